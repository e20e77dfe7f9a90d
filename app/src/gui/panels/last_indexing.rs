//! What the last indexing came to. In: how it ended. Out: a line in the window's language of now.

use sightline_core::engine::{FirstLookReport, IndexReport};
use sightline_core::jobs::Progress;

use crate::gui::state::LastIndexing;
use crate::gui::text;
use crate::gui::translate::{tr, tr_with};

/// In one line, without a full stop.
pub(super) fn summary(last: &LastIndexing) -> String {
    match last {
        LastIndexing::Done(report) => done(report),
        LastIndexing::Ended(progress) => ended(*progress),
    }
}

fn ended(Progress { phase, done, total, .. }: Progress) -> String {
    match total {
        0 => tr("Indexing ended before the first photo").to_owned(),
        _ => tr_with("{} ended at {}; what was done stays", &[tr(phase), &text::part(done, total)]),
    }
}

fn done(report: &IndexReport) -> String {
    let seconds = text::duration(report.seconds * 1e3);
    let mut summary = match report.indexed {
        0 => tr_with("Up to date, looked in {}", &[&seconds]),
        indexed => tr_with("{} indexed in {}", &[&text::photos(indexed), &seconds]),
    };
    if let Some(loss) = report.first_look.as_ref().and_then(loss) {
        summary = format!("{summary}; {loss}");
    }
    summary
}

/// What searching by previews, until the photos themselves were looked at, was worth.
fn loss(first_look: &FirstLookReport) -> Option<String> {
    let agreement = first_look.agreement.filter(|agreement| agreement.neighbours > 0)?;
    let (kept, neighbours) = (text::percent(agreement.kept_neighbours), agreement.neighbours.to_string());
    Some(tr_with("by their previews, at first, {} of the nearest {} were right", &[&kept, &neighbours]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(last: LastIndexing, expected: &str) {
        assert_eq!(summary(&last), expected);
    }

    #[test]
    fn an_indexing_says_how_far_it_came() {
        let progress = |done, total| Progress { phase: "Indexing", done, total, failed: 0 };
        check(LastIndexing::Ended(progress(120, 765)), "Indexing ended at 120 of 765; what was done stays");
        check(LastIndexing::Ended(progress(0, 0)), "Indexing ended before the first photo");
        check(
            LastIndexing::Done(Box::new(IndexReport { seconds: 2.0, ..IndexReport::default() })),
            "Up to date, looked in 2.0 s",
        );
    }
}

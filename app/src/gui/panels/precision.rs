//! How the model in use computes pictures, in 32 bits or in 8, and what 8 would change for this person's own photos: that is
//! measured before it is offered.

use egui::{Label, RichText, Ui, vec2};
use sightline_core::engine::{Precision, PrecisionReport};

use super::Cx;
use crate::gui::command::{Command, Errand, ModelCommand};
use crate::gui::theme::{self, font, size, space};
use crate::gui::translate::{tr, tr_with};
use crate::gui::{icons, text, widgets};

/// The model's precision, and the way to the other one.
pub fn precision_ui(cx: &Cx<'_>, ui: &mut Ui) {
    ui.add_space(space::XS);
    if cx.state.model.precision == Precision::Int8 {
        words(ui, tr("Photos are computed in 8 bits. The index in 32 bits is kept."));
        if widgets::button(ui, widgets::Kind::Quiet, icons::UNDO, tr("Back to 32 bits")).clicked() {
            cx.send(Command::Model(ModelCommand::UsePrecision(Precision::F32)));
        }
        return;
    }
    match (&cx.state.models.comparing, &cx.state.models.precisions) {
        (Some(progress), _) => {
            ui.horizontal(|ui| {
                let fraction = (progress.total > 0).then(|| progress.done as f32 / progress.total as f32);
                let (accent, bar) = (theme::tokens(ui).accent, vec2(size::PROGRESS.0, size::PROGRESS.1));
                widgets::progress_bar(ui, tr("Comparing 8 bits with 32"), fraction, accent, bar);
                if widgets::icon_button(ui, icons::STOP, tr("Stop comparing"), false).clicked() {
                    cx.send(Command::StopErrand(Errand::Precisions));
                }
            });
        }
        (None, Some(report)) => report_ui(cx, report, ui),
        (None, None) => {
            let compare = widgets::button(ui, widgets::Kind::Quiet, icons::GAUGE, tr("Try 8 bits on your photos"));
            let what =
                tr("Computes up to 100 of your photos both ways and says what would change. Nothing is changed.");
            if compare.on_hover_text(what).clicked() {
                cx.send(Command::Model(ModelCommand::ComparePrecisions));
            }
        }
    }
}

fn report_ui(cx: &Cx<'_>, report: &PrecisionReport, ui: &mut Ui) {
    for line in lines(report) {
        words(ui, &line);
    }
    if widgets::button(ui, widgets::Kind::Quiet, icons::CHECK, tr("Compute in 8 bits")).clicked() {
        cx.send(Command::Model(ModelCommand::UsePrecision(Precision::Int8)));
    }
}

fn words(ui: &mut Ui, words: &str) {
    let color = theme::tokens(ui).text;
    ui.add(Label::new(RichText::new(words).font(font::caption()).color(color)).wrap());
}

/// What was measured, a sentence each.
fn lines(report: &PrecisionReport) -> Vec<String> {
    let (full, int8) = (report.f32_per_second, report.int8_per_second);
    let speed = [int8, full, int8 / full].map(|number| text::decimal(number, 1));
    let mut lines =
        vec![tr_with("8 bits: {} photos a second instead of {}, {} times", &speed.each_ref().map(String::as_str))];
    // "At least" is never rounded up.
    let cosine = text::decimal((f64::from(report.least_cosine) * 1e4).floor() / 1e4, 4);
    let mut same =
        tr_with("On {} the vectors agree to a cosine of {} at least", &[&text::photos(report.photos), &cosine]);
    if report.neighbours > 0 {
        let kept = text::decimal(100.0 * report.kept_neighbours, 1);
        same = format!(
            "{same}; {}",
            tr_with("{} % of their nearest {} stay the same", &[&kept, &report.neighbours.to_string()])
        );
    }
    lines.push(same);
    let outliers: Vec<String> =
        report.layers.iter().filter(|layer| layer.has_outliers).map(|layer| layer.layer.to_string()).collect();
    if !outliers.is_empty() {
        lines.push(tr_with("Layers with outliers, which 8 bits render coarsely: {}", &[&outliers.join(", ")]));
    }
    if report.failed > 0 {
        lines.push(tr_with("{} could not be used", &[&text::files(report.failed)]));
    }
    lines
}

#[cfg(test)]
mod tests {
    use sightline_core::engine::LayerRange;

    use super::*;

    fn report() -> PrecisionReport {
        PrecisionReport {
            model: "toy".to_owned(),
            photos: 40,
            failed: 0,
            least_cosine: 0.99987,
            median_cosine: 0.9999,
            neighbours: 10,
            kept_neighbours: 0.998,
            f32_per_second: 18.0,
            int8_per_second: 45.0,
            layers: Vec::new(),
        }
    }

    #[test]
    fn what_was_measured_is_said_in_two_sentences() {
        let lines = lines(&report());
        assert_eq!(lines[0], "8 bits: 45.0 photos a second instead of 18.0, 2.5 times");
        assert_eq!(
            lines[1],
            "On 40 photos the vectors agree to a cosine of 0.9998 at least; 99.8 % of their nearest 10 stay the same"
        );
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn one_photo_has_no_neighbours_and_outliers_are_named() {
        let layer = |layer, has_outliers| LayerRange { layer, largest: 1.0, kurtosis: 3.0, has_outliers };
        let layers = vec![layer(1, false), layer(2, true), layer(3, true)];
        let lines = lines(&PrecisionReport { neighbours: 0, failed: 2, layers, ..report() });
        assert!(lines[1].ends_with("at least"), "{lines:?}");
        assert_eq!(lines[2], "Layers with outliers, which 8 bits render coarsely: 2, 3");
        assert!(lines[3].starts_with("2 files"), "{lines:?}");
    }
}

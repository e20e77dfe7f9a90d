//! A tag that is learnt from the photos that have it: photos that it may fit, to be confirmed or refused one by one.

use egui::{RichText, ScrollArea, Sense, Ui, vec2};
use sightline_core::engine::{LearnReport, SuggestedPhoto};
use sightline_core::index::Entry;

use super::{Cx, Panel, page_ui};
use crate::gui::command::{Command, Judgement};
use crate::gui::state::{Learning, Page};
use crate::gui::theme::{self, font, space};
use crate::gui::translate::{tr, tr_with};
use crate::gui::{icons, text, widgets};

/// See the module.
pub struct Learn;

/// The sides of a suggestion: its photo, and the buttons under it.
const SIDE: f32 = 168.0;
const BUTTONS: f32 = 34.0;

impl Panel for Learn {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        let Some(learning) = &cx.state.learning else { return };
        page_ui(cx, Page::Learn, ui, |ui| {
            let tokens = theme::tokens(ui);
            ui.horizontal(|ui| {
                let title = tr_with("Photos that “{}” may fit", &[&learning.tag]);
                ui.label(RichText::new(title).font(font::title()).color(tokens.text));
                if learning.is_waiting {
                    widgets::spinner(ui);
                }
            });
            match &learning.report {
                Some(report) => suggestions_ui(cx, learning, report, ui),
                None => {
                    let words = tr("Learning from the photos that have the tag …");
                    ui.label(RichText::new(words).font(font::body()).color(tokens.muted));
                }
            }
        });
    }
}

fn suggestions_ui(cx: &Cx<'_>, learning: &Learning, report: &LearnReport, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    for line in explanation(learning, report) {
        ui.label(RichText::new(line).font(font::small()).color(tokens.muted));
    }
    ui.add_space(space::S);
    if report.suggestions.is_empty() {
        let words = tr("No other photo seems to fit. Tag a few more by hand, and look again.");
        widgets::page(ui, icons::WAND, tr("Nothing to suggest"), words, |_| {});
        return;
    }
    let columns = ((ui.available_width() + space::M) / (SIDE + space::M)).floor().max(1.0) as usize;
    let rows = report.suggestions.len().div_ceil(columns);
    ScrollArea::vertical().auto_shrink(false).show_rows(ui, SIDE + BUTTONS + space::S, rows, |ui, seen| {
        for row in seen {
            let end = ((row + 1) * columns).min(report.suggestions.len());
            ui.horizontal(|ui| row_ui(cx, report, &report.suggestions[row * columns..end], ui));
        }
    });
}

fn row_ui(cx: &Cx<'_>, report: &LearnReport, suggestions: &[SuggestedPhoto], ui: &mut Ui) {
    ui.spacing_mut().item_spacing.x = space::M;
    for suggestion in suggestions {
        if let Some(entry) = report.snapshot.entries.get(suggestion.entry as usize) {
            suggestion_ui(cx, report, (suggestion, entry), ui);
        }
    }
}

/// What the suggestions rest on, and how far they can be trusted.
fn explanation(learning: &Learning, report: &LearnReport) -> Vec<String> {
    let how = tr("Learnt at once from the photos that have the tag, those you refused, and the tag's name.").to_owned();
    let refused = text::photos(learning.rejected.len());
    let mut lines = vec![how];
    if let Some(accuracy) = report.accuracy {
        let percent = format!("{:.0} %", accuracy * 100.0);
        lines.push(tr_with(
            "With each example left out in turn, {} were put on the right side; {} refused.",
            &[&percent, &refused],
        ));
    }
    lines.extend(report.notes.iter().map(|note| text::sentence(note)));
    lines
}

fn suggestion_ui(cx: &Cx<'_>, report: &LearnReport, (suggestion, entry): (&SuggestedPhoto, &Entry), ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    ui.vertical(|ui| {
        ui.set_width(SIDE);
        let (rect, response) = ui.allocate_exact_size(vec2(SIDE, SIDE), Sense::hover());
        let picture = vec2(entry.photo.width as f32, entry.photo.height as f32);
        widgets::paint_thumbnail(ui.painter(), tokens, &cx.thumbnail(entry), rect, picture);
        if !suggestion.is_likely {
            ui.painter().rect_filled(rect, theme::radius::S, tokens.background.gamma_multiply(0.35));
        }
        response.on_hover_text(reasons(report, suggestion, entry));
        ui.horizontal(|ui| {
            let name = text::name(&entry.path);
            if widgets::icon_button(ui, icons::CHECK, &tr_with("{} has the tag", &[&name]), false).clicked() {
                cx.send(Command::Judge(entry.hash, Judgement::Confirmed));
            }
            if widgets::icon_button(ui, icons::X, &tr_with("{} does not", &[&name]), false).clicked() {
                cx.send(Command::Judge(entry.hash, Judgement::Rejected));
            }
            let words = if suggestion.is_likely { tr("likely") } else { tr("less likely") };
            ui.label(RichText::new(words).font(font::caption()).color(tokens.muted));
        });
    });
}

fn reasons(report: &LearnReport, suggestion: &SuggestedPhoto, entry: &Entry) -> String {
    let near = suggestion.rests_on.iter().filter_map(|(example, cosine)| {
        let example = report.snapshot.entries.get(*example as usize)?;
        Some(format!("{} ({})", text::name(&example.path), text::decimal(*cosine, 2)))
    });
    let near: Vec<String> = near.collect();
    tr_with("{}\nnearest examples: {}", &[&text::name(&entry.path), &near.join(", ")])
}

//! The line at the bottom: how many photos, which model, how far indexing is, how many problems.

use egui::{Align, Frame, Layout, Margin, RichText, Ui, vec2};

use super::{Cx, Panel};
use crate::gui::command::Command;
use crate::gui::state::{Indexing, ModelStatus, Page, State};
use crate::gui::theme::{self, font, size, space};
use crate::gui::translate::tr;
use crate::gui::{icons, text, widgets};

/// See the module.
pub struct StatusBar;

impl Panel for StatusBar {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        let fill = theme::tokens(ui).panel;
        let frame = Frame::new().fill(fill).inner_margin(Margin::symmetric(space::L as i8, 0));
        egui::Panel::bottom("status").exact_size(size::STATUS_BAR).resizable(false).frame(frame).show(ui, |ui| {
            ui.spacing_mut().item_spacing.x = space::L;
            ui.horizontal_centered(|ui| {
                library_ui(cx.state, ui);
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    problems_ui(cx, ui);
                    if let Some(progress) = cx.state.writing {
                        caption(ui, &format!("{} {} / {}", progress.phase, progress.done, progress.total));
                    }
                    match &cx.state.indexing {
                        Some(indexing) => indexing_ui(cx, indexing, ui),
                        None => idle_ui(cx.state, ui),
                    }
                });
            });
        });
    }
}

fn caption(ui: &mut Ui, words: &str) -> egui::Response {
    let muted = theme::tokens(ui).muted;
    ui.add(egui::Label::new(RichText::new(words).font(font::caption()).color(muted)).truncate())
}

fn library_ui(state: &State, ui: &mut Ui) {
    caption(ui, &text::counted(state.library.photos, "photo"));
    let name = &state.model.name;
    match state.model.status {
        ModelStatus::Ready => caption(ui, &format!("{name} model")),
        ModelStatus::Loading => caption(ui, &format!("loading the {name} model …")),
        ModelStatus::Failed => {
            let fail = theme::tokens(ui).fail;
            ui.label(RichText::new(format!("the {name} model cannot be used")).font(font::caption()).color(fail))
        }
    };
}

fn problems_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let under_way = cx.state.indexing.as_ref().map_or(0, |indexing| indexing.progress.failed as usize);
    let count = cx.state.library.problems.len().max(under_way);
    if count == 0 {
        return;
    }
    let words = text::counted(count, "problem");
    let link = RichText::new(words).font(font::caption()).color(theme::tokens(ui).review);
    if ui.add(egui::Button::new(link).frame(false)).on_hover_text("Files that could not be used, and why").clicked() {
        cx.send(Command::OpenPage(Page::Problems));
    }
}

/// From right to left: the button, the counts, the bar, the phase.
fn indexing_ui(cx: &Cx<'_>, indexing: &Indexing, ui: &mut Ui) {
    if indexing.is_stopping {
        caption(ui, "stopping …");
    } else if widgets::icon_button(ui, icons::STOP, "Stop indexing", false).clicked() {
        cx.send(Command::StopIndexing);
    }
    let is_wide = ui.available_width() > 330.0;
    let words = RichText::new(counts(indexing)).font(font::caption()).color(theme::tokens(ui).muted);
    if ui.add(egui::Button::new(words).frame(false)).on_hover_text(tr("What goes on")).clicked() {
        cx.send(Command::OpenPage(Page::Jobs));
    }
    if is_wide {
        let accent = theme::tokens(ui).accent;
        let (width, height) = size::PROGRESS;
        widgets::progress_bar(ui, "Indexing progress", indexing.fraction(), accent, vec2(width, height));
        caption(ui, &phase(indexing));
    }
}

fn phase(indexing: &Indexing) -> String {
    match indexing.progress.phase {
        "" => format!("Starting with {}", indexing.subject),
        phase => format!("{phase} · {}", indexing.subject),
    }
}

fn counts(indexing: &Indexing) -> String {
    let progress = indexing.progress;
    let mut counts = match (progress.done, progress.total) {
        (0, 0) => return phase(indexing),
        (done, 0) => text::count(done),
        (done, total) => format!("{} of {}", text::count(done), text::count(total)),
    };
    if let Some(rate) = indexing.rate {
        let digits = usize::from(rate < 9.5);
        counts.push_str(&format!(" · {rate:.digits$}/s"));
    }
    if let Some(seconds) = indexing.seconds_left() {
        counts.push_str(&format!(" · {}", text::time_left(seconds)));
    }
    counts
}

fn idle_ui(state: &State, ui: &mut Ui) {
    if let Some(summary) = &state.last_indexing {
        caption(ui, summary);
    }
}

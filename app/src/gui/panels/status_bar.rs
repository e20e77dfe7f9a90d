//! The line at the bottom: how many photos, which model, how far indexing is, how many problems.

use egui::{Align, Frame, Layout, Margin, RichText, Ui, vec2};

use super::{Cx, Panel, last_indexing};
use crate::gui::command::Command;
use crate::gui::state::{Indexing, ModelStatus, Page, State};
use crate::gui::theme::{self, font, size, space};
use crate::gui::translate::{tr, tr_with};
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
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| work_ui(cx, ui));
            });
        });
    }
}

/// From the right: problems, what is written, how far indexing is.
fn work_ui(cx: &Cx<'_>, ui: &mut Ui) {
    problems_ui(cx, ui);
    if let Some(progress) = cx.state.writing {
        let (done, total) = (text::count(progress.done), text::count(progress.total));
        caption(ui, &format!("{} {done} / {total}", tr(progress.phase)));
    }
    match &cx.state.indexing {
        Some(indexing) => indexing_ui(cx, indexing, ui),
        None => idle_ui(cx, ui),
    }
}

fn caption(ui: &mut Ui, words: &str) -> egui::Response {
    let muted = theme::tokens(ui).muted;
    ui.add(egui::Label::new(RichText::new(words).font(font::caption()).color(muted)).truncate())
}

fn library_ui(state: &State, ui: &mut Ui) {
    caption(ui, &text::photos(state.library.photos));
    let name = &state.model.name;
    match state.model.status {
        ModelStatus::Ready => caption(ui, &tr_with("{} model", &[name])),
        ModelStatus::Loading => caption(ui, &tr_with("loading the {} model …", &[name])),
        ModelStatus::Failed => {
            let fail = theme::tokens(ui).fail;
            let words = tr_with("the {} model cannot be used", &[name]);
            ui.label(RichText::new(words).font(font::caption()).color(fail))
        }
    };
}

fn problems_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let under_way = cx.state.indexing.as_ref().map_or(0, |indexing| indexing.progress.failed as usize);
    let count = cx.state.library.problems.len().max(under_way);
    if count == 0 {
        return;
    }
    let words = text::problems(count);
    let link = RichText::new(words).font(font::caption()).color(theme::tokens(ui).review);
    if ui.add(egui::Button::new(link).frame(false)).on_hover_text(tr("Files that could not be used, and why")).clicked()
    {
        cx.send(Command::OpenPage(Page::Problems));
    }
}

/// From right to left: the button, the counts, the bar, the phase.
fn indexing_ui(cx: &Cx<'_>, indexing: &Indexing, ui: &mut Ui) {
    if indexing.is_stopping {
        caption(ui, tr("stopping …"));
    } else if widgets::icon_button(ui, icons::STOP, tr("Stop indexing"), false).clicked() {
        cx.send(Command::StopIndexing);
    }
    let is_wide = ui.available_width() > 330.0;
    jobs_link_ui(cx, &counts(indexing), ui);
    if is_wide {
        let accent = theme::tokens(ui).accent;
        let (width, height) = size::PROGRESS;
        widgets::progress_bar(ui, tr("Indexing progress"), indexing.fraction(), accent, vec2(width, height));
        caption(ui, &phase(indexing));
    }
}

fn phase(indexing: &Indexing) -> String {
    match indexing.progress.phase {
        "" => tr_with("Starting with {}", &[&indexing.subject]),
        phase => format!("{} · {}", tr(phase), indexing.subject),
    }
}

fn counts(indexing: &Indexing) -> String {
    let progress = indexing.progress;
    let mut counts = match (progress.done, progress.total) {
        (0, 0) => return phase(indexing),
        (done, 0) => text::count(done),
        (done, total) => text::part(done, total),
    };
    if indexing.is_paused {
        counts.push_str(&format!(" · {}", tr("paused")));
    }
    if let Some(rate) = indexing.rate_now() {
        let digits = usize::from(rate < 9.5);
        counts.push_str(&format!(" · {}/s", text::decimal(rate, digits)));
    }
    if let Some(seconds) = indexing.seconds_left() {
        counts.push_str(&format!(" · {}", text::time_left(seconds)));
    }
    counts
}

fn idle_ui(cx: &Cx<'_>, ui: &mut Ui) {
    if let Some(last) = &cx.state.last_indexing {
        jobs_link_ui(cx, &last_indexing::summary(last), ui);
    }
}

/// Words that lead to the jobs.
fn jobs_link_ui(cx: &Cx<'_>, words: &str, ui: &mut Ui) {
    let words = RichText::new(words).font(font::caption()).color(theme::tokens(ui).muted);
    if ui.add(egui::Button::new(words).frame(false).truncate()).on_hover_text(tr("Jobs")).clicked() {
        cx.send(Command::OpenPage(Page::Jobs));
    }
}

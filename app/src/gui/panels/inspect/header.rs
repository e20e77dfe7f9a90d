//! The bar over the page: which product, its version, what goes on, and what can be done.

use egui::{Align, Frame, Layout, Margin, RichText, Ui, vec2};
use sightline_core::anomaly::product::Product;

use super::roi::DrawnRoi;
use super::{View, has_parts, is_wide};
use crate::gui::inspect_command::{InspectCommand, InspectErrand};
use crate::gui::panels::Cx;
use crate::gui::panels::search_bar::sidebar_button;
use crate::gui::state::{Inspection, Wanted};
use crate::gui::theme::{self, font, radius, size, space};
use crate::gui::translate::{tr, tr_with};
use crate::gui::{icons, text, widgets};

/// The bar.
pub fn header_ui(cx: &Cx<'_>, view: &mut View, roi: &mut DrawnRoi, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    let Some(product) = &cx.state.inspection.product else { return };
    let frame = Frame::new().fill(tokens.panel).inner_margin(Margin::symmetric(space::L as i8, 0));
    egui::Panel::top("inspect-header").exact_size(size::SEARCH_BAR).resizable(false).frame(frame).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            if ui.ctx().content_rect().width() < size::HIDES_SIDEBAR {
                sidebar_button(cx, ui);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                buttons_ui(cx, view, roi, ui);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| title_ui(cx, product, ui));
            });
        });
    });
    work_ui(cx, ui);
}

fn title_ui(cx: &Cx<'_>, product: &Product, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    let back = widgets::icon_button(ui, icons::ARROW_LEFT, tr("All products"), false);
    if back.clicked() {
        cx.inspect(InspectCommand::BeginProduct);
    }
    let name = RichText::new(product.name()).font(font::title()).color(tokens.text);
    ui.add(egui::Label::new(name).truncate());
    if ui.available_width() < 70.0 {
        return;
    }
    let version = tr_with("version {}", &[&product.version().number.to_string()]);
    sign_ui(&version, ui);
    if ui.available_width() > 120.0 {
        let words = RichText::new(summary(&cx.state.inspection)).font(font::small()).color(tokens.muted);
        ui.add(egui::Label::new(words).truncate());
    }
}

/// The version, small and in a frame.
fn sign_ui(words: &str, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    let galley = ui.painter().layout_no_wrap(words.to_owned(), font::caption(), tokens.text);
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(2.0 * space::S, 6.0), egui::Sense::hover());
    ui.painter().rect_filled(rect, radius::S, tokens.pass.gamma_multiply(0.25));
    ui.painter().galley(rect.min + vec2(space::S, 3.0), galley, tokens.text);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, words));
}

fn summary(inspection: &Inspection) -> String {
    let references = text::good_parts(inspection.references());
    match &inspection.inspector {
        Some(inspector) => {
            let sizes: Vec<String> =
                inspector.settings().sizes().iter().map(|size| text::count(*size as u64)).collect();
            tr_with("{} · {} · {} px", &[&references, &inspector.model().id, &sizes.join(" + ")])
        }
        None => references,
    }
}

/// From right to left.
fn buttons_ui(cx: &Cx<'_>, view: &mut View, roi: &mut DrawnRoi, ui: &mut Ui) {
    let inspection = &cx.state.inspection;
    let is_taught = inspection.inspector.is_some();
    ui.add_enabled_ui(is_taught, |ui| {
        let run = widgets::button(ui, widgets::Kind::Primary, icons::FOLDER_OPEN, tr("Judge a folder"));
        if run.on_hover_text(tr("Choose a folder of parts to judge, or drop parts onto the page")).clicked() {
            cx.inspect(InspectCommand::Choose(Wanted::PartFolder));
        }
    });
    if !has_parts(cx.state) {
        return;
    }
    let is_labelled = is_wide(ui);
    let tool = |ui: &mut Ui, icon: &str, label: &str, is_on: bool| match is_labelled && !is_on {
        true => widgets::button(ui, widgets::Kind::Quiet, icon, label).clicked(),
        false => widgets::icon_button(ui, icon, label, is_on).clicked(),
    };
    if tool(ui, icons::REPORT, tr("Report"), false) {
        cx.inspect(InspectCommand::WriteReport);
    }
    if *view != View::References && tool(ui, icons::POLYGON, tr("Region of interest"), roi.is_open()) {
        roi.toggle(cx.state);
    }
    if tool(ui, icons::IMAGES, tr("Good parts"), *view == View::References) {
        *view = if *view == View::References { View::Parts } else { View::References };
    }
    if !is_wide(ui) && tool(ui, icons::CHART, tr("Thresholds and decision"), *view == View::Side) {
        *view = if *view == View::Side { View::Parts } else { View::Side };
    }
}

/// What goes on, and what is out of date: a line each under the bar.
fn work_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let inspection = &cx.state.inspection;
    if let Some(progress) = inspection.run {
        let phase = match (inspection.is_paused, inspection.is_watching) {
            (true, _) => tr("paused"),
            (false, true) => tr("Watching the folder"),
            (false, false) => tr("Judging parts"),
        };
        line_ui(cx, (phase, progress, InspectErrand::Run), ui);
    }
    if let Some(progress) = inspection.writing {
        line_ui(cx, (tr("Writing"), progress, InspectErrand::Writing), ui);
    }
    if let Some(progress) = inspection.teaching.filter(|_| has_parts(cx.state)) {
        line_ui(cx, (tr("Learning the good parts"), progress, InspectErrand::Teaching), ui);
    } else if inspection.is_outdated() && inspection.run.is_none() && !inspection.is_learning() {
        outdated_ui(cx, ui);
    }
}

fn line_frame(ui: &Ui) -> Frame {
    Frame::new().fill(theme::tokens(ui).panel).inner_margin(Margin::symmetric(space::L as i8, space::XS as i8))
}

fn line_ui(cx: &Cx<'_>, (phase, progress, errand): (&str, sightline_core::jobs::Progress, InspectErrand), ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    let panel = egui::Panel::top(egui::Id::unique(("inspect-work", errand as u8))).resizable(false);
    panel.frame(line_frame(ui)).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(RichText::new(phase).font(font::small()).color(tokens.text));
            let fraction = (progress.total > 0).then(|| progress.done as f32 / progress.total as f32);
            widgets::progress_bar(ui, phase, fraction, tokens.accent, vec2(size::PROGRESS.0, size::PROGRESS.1));
            if progress.total > 0 {
                let words = text::part(progress.done, progress.total);
                ui.label(RichText::new(words).font(font::caption()).color(tokens.muted));
            }
            if progress.failed > 0 {
                let words = tr_with("{} unreadable", &[&text::count(progress.failed)]);
                ui.label(RichText::new(words).font(font::caption()).color(tokens.review));
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if widgets::icon_button(ui, icons::STOP, tr("Stop; what is done stays"), false).clicked() {
                    cx.inspect(InspectCommand::Stop(errand));
                }
                let is_paused = cx.state.inspection.is_paused;
                let (icon, label) = if is_paused { (icons::PLAY, tr("Go on")) } else { (icons::PAUSE, tr("Pause")) };
                if errand == InspectErrand::Run && widgets::icon_button(ui, icon, label, false).clicked() {
                    cx.inspect(InspectCommand::Pause(!is_paused));
                }
            });
        });
    });
}

/// The product has changed since the parts were judged.
fn outdated_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    egui::Panel::top("inspect-outdated").resizable(false).frame(line_frame(ui)).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(RichText::new(icons::INFO).font(font::icon()).color(tokens.accent));
            let version = cx.state.inspection.judged_by.unwrap_or_default().to_string();
            let words = tr_with("The product has changed: these scores are those of version {}.", &[&version]);
            ui.label(RichText::new(words).font(font::small()).color(tokens.text));
            if widgets::button(ui, widgets::Kind::Quiet, icons::REFRESH, tr("Judge again")).clicked() {
                cx.inspect(InspectCommand::JudgeAgain);
            }
        });
    });
}

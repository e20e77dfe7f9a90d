//! What the person says of a part: good or defective, who says it and why, and what the product learns from it.

use egui::{RichText, TextEdit, Ui};
use jiff::Timestamp;
use sightline_core::anomaly::product::Role;

use crate::gui::inspect_command::{InspectCommand, ProductChange};
use crate::gui::panels::Cx;
use crate::gui::state::{Decision, Part, Ruling};
use crate::gui::theme::{self, font, space};
use crate::gui::translate::{tr, tr_with};
use crate::gui::{icons, text, widgets};

/// What is wrong with a picture, in the core's words.
const COMPLAINTS: [&str; 3] = [
    "darker than the references: check the lighting",
    "brighter than the references: check the lighting",
    "less sharp than the references: check the focus",
];

/// What is wrong with a picture, in the person's language.
pub fn complaint(complaint: &'static str) -> String {
    let known = COMPLAINTS.into_iter().find(|known| *known == complaint);
    text::sentence(known.map_or(complaint, tr))
}

/// The decision.
pub fn review_ui(cx: &Cx<'_>, part: &Part, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    if let Some(words) = part.complaint {
        let words = format!("{} {}", icons::WARNING, complaint(words));
        ui.add(egui::Label::new(RichText::new(words).font(font::small()).color(tokens.text)).wrap());
    }
    ui.label(RichText::new(tr("Your decision")).font(font::heading()).color(tokens.text));
    if let Some(decision) = part.hash.and_then(|hash| cx.state.inspection.decisions.of(&hash)) {
        ui.add(egui::Label::new(RichText::new(said(decision)).font(font::small()).color(tokens.text)).wrap());
    }
    ui.horizontal(|ui| {
        let decide = |ruling| cx.inspect(InspectCommand::Decide(ruling, Timestamp::now()));
        if widgets::button(ui, widgets::Kind::Quiet, icons::ACCEPT, tr("Accept")).on_hover_text("A").clicked() {
            decide(Ruling::Accepted);
        }
        if widgets::button(ui, widgets::Kind::Quiet, icons::REJECT, tr("Reject")).on_hover_text("R").clicked() {
            decide(Ruling::Rejected);
        }
        if widgets::icon_button(ui, icons::UNDO, tr("Take the last decision back"), false).clicked() {
            cx.inspect(InspectCommand::UndoDecision);
        }
    });
    field_ui(ui, &cx.state.inspection.reason, tr("Reason for the decision"), |reason| {
        cx.inspect(InspectCommand::SetReason(reason));
    });
    field_ui(ui, &cx.state.inspection.operator, tr("Your name"), |name| cx.inspect(InspectCommand::SetOperator(name)));
    ui.add_space(space::XS);
    learn_ui(cx, part, ui);
}

fn said(decision: &Decision) -> String {
    let what = match decision.ruling {
        Some(Ruling::Rejected) => tr("Rejected"),
        _ => tr("Accepted"),
    };
    let local = decision.at.to_zoned(jiff::tz::TimeZone::system()).offset().seconds();
    let when = text::date(decision.at.as_second() + i64::from(local));
    let who = if decision.operator.is_empty() { String::new() } else { format!(" · {}", decision.operator) };
    let why = if decision.reason.is_empty() { String::new() } else { format!(" · {}", decision.reason) };
    format!("{what} · {when}{who}{why}")
}

/// A line that is typed, where the state has what was typed so far.
fn field_ui(ui: &mut Ui, value: &str, label: &'static str, change: impl FnOnce(String)) {
    let mut typed = value.to_owned();
    let edit = TextEdit::singleline(&mut typed).hint_text(label).desired_width(f32::INFINITY);
    let response = ui.add(edit.margin(egui::Margin::symmetric(8, 5)));
    response.widget_info(|| {
        let mut info = egui::WidgetInfo::text_edit(true, "", value, label);
        info.label = Some(label.to_owned());
        info
    });
    if response.changed() {
        change(typed);
    }
}

/// What the product learns from the part: each makes a version.
fn learn_ui(cx: &Cx<'_>, part: &Part, ui: &mut Ui) {
    let is_ready = !cx.state.inspection.is_learning();
    let add = |role| cx.inspect(InspectCommand::Change(ProductChange::Add(vec![part.path.clone()], role)));
    ui.add_enabled_ui(is_ready, |ui| {
        let good = widgets::button(ui, widgets::Kind::Plain, icons::PLUS, tr("Accept as normal"));
        let hint = tr("The product learns this part as a good one: a new version with new thresholds");
        if good.on_hover_text(hint).clicked() {
            add(Role::Normal);
        }
        let bad = widgets::button(ui, widgets::Kind::Plain, icons::PLUS, tr("Add as defect"));
        let hint = tr("The product keeps this part as a known defect, and says how many of them would pass");
        if bad.on_hover_text(hint).clicked() {
            add(Role::Defect);
        }
    });
    if let Some(rate) = &cx.state.inspection.escapes {
        let (passed, of) = (text::count(rate.events as u64), text::count(rate.of as u64));
        let (low, high) = (text::percent(rate.low), text::percent(rate.high));
        let words =
            tr_with("{} of {} known defects would pass (with 95 % confidence {} to {}).", &[&passed, &of, &low, &high]);
        let muted = theme::tokens(ui).muted;
        ui.add(egui::Label::new(RichText::new(words).font(font::caption()).color(muted)).wrap());
    }
}

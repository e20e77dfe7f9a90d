//! The parts, worst first: thumbnail, name, score, verdict, and what the person said. Only visible ones exist.

use egui::{Align2, Rect, RichText, ScrollArea, Sense, Ui, pos2, vec2};
use sightline_core::anomaly::Verdict;

use crate::gui::inspect_command::InspectCommand;
use crate::gui::panels::Cx;
use crate::gui::state::{Part, Parts, Ruling};
use crate::gui::theme::{self, font, radius, space};
use crate::gui::translate::{tr, tr_with};
use crate::gui::{icons, text, widgets};

/// The height of a part in the list, and of its thumbnail.
const ROW: f32 = 58.0;
const THUMBNAIL: (f32, f32) = (66.0, 46.0);
/// A narrower list has no room for thumbnails beside the words.
const NARROW: f32 = 200.0;
/// Unreadable files that are named in the list; all are in the tooltip of the count.
const NAMED: usize = 40;

/// Where the list is.
#[derive(Default)]
pub struct List {
    /// The place in the list of the part that was looked at in the last frame.
    shown: Option<usize>,
}

impl List {
    /// The list, with what it shows only.
    pub fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        let parts = &cx.state.inspection.parts;
        filters_ui(cx, parts, ui);
        problems_ui(parts, ui);
        if parts.shown.is_empty() {
            let words =
                if parts.rows.is_empty() { tr("The first parts come in a moment …") } else { tr("No such parts") };
            ui.label(RichText::new(words).font(font::small()).color(theme::tokens(ui).muted));
            return;
        }
        let place = parts.place();
        let mut area = ScrollArea::vertical().auto_shrink(false);
        if place != self.shown {
            self.shown = place;
            let seen = ui.available_height();
            let middle = place.map(|place| place as f32 * ROW - 0.5 * (seen - ROW));
            area = area.vertical_scroll_offset(middle.unwrap_or_default().max(0.0));
        }
        ui.spacing_mut().item_spacing.y = 0.0;
        area.show_rows(ui, ROW, parts.shown.len(), |ui, seen| {
            for row in &parts.shown[seen.start.min(parts.shown.len())..seen.end.min(parts.shown.len())] {
                part_ui(cx, *row as usize, ui);
            }
        });
    }
}

fn filters_ui(cx: &Cx<'_>, parts: &Parts, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    let words = tr_with("{}, worst first", &[&text::parts(parts.rows.len())]);
    ui.label(RichText::new(words).font(font::heading()).color(tokens.text));
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = space::XS;
        let verdicts = [None, Some(Verdict::Fail), Some(Verdict::Review), Some(Verdict::Pass)];
        for verdict in verdicts {
            let count = verdict.map_or(parts.rows.len(), |verdict| parts.counts[verdict as usize]);
            let is_chosen = parts.filter == verdict;
            if widgets::verdict_filter(ui, verdict, &text::count(count as u64), is_chosen).clicked() {
                cx.inspect(InspectCommand::Filter(verdict));
            }
        }
    });
    ui.add_space(space::XS);
}

/// Files that could not be judged: how many, and which, and why.
fn problems_ui(parts: &Parts, ui: &mut Ui) {
    if parts.problems.is_empty() {
        return;
    }
    let tokens = theme::tokens(ui);
    let words = tr_with("{} unreadable", &[&text::count(parts.problems.len() as u64)]);
    let title = RichText::new(format!("{} {words}", icons::WARNING)).font(font::small()).color(tokens.text);
    egui::CollapsingHeader::new(title).id_salt("inspect-problems").show(ui, |ui| {
        ScrollArea::vertical().max_height(160.0).show(ui, |ui| {
            for problem in parts.problems.iter().take(NAMED) {
                let name = RichText::new(text::name(&problem.path)).font(font::small()).color(tokens.text);
                ui.add(egui::Label::new(name).truncate()).on_hover_text(problem.path.to_string_lossy());
                let reason = RichText::new(text::sentence(&problem.reason)).font(font::caption()).color(tokens.muted);
                ui.add(egui::Label::new(reason).wrap());
            }
        });
    });
}

fn part_ui(cx: &Cx<'_>, row: usize, ui: &mut Ui) {
    let inspection = &cx.state.inspection;
    let Some(part) = inspection.parts.rows.get(row) else { return };
    let tokens = theme::tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let is_chosen = inspection.parts.cursor == Some(row);
    let fill = match (is_chosen, response.hovered() || response.has_focus()) {
        (true, _) => tokens.accent_soft,
        (false, true) => tokens.raised,
        (false, false) => egui::Color32::TRANSPARENT,
    };
    let card = rect.shrink2(vec2(0.0, 1.0));
    ui.painter().rect_filled(card, radius::M, fill);
    let is_narrow = rect.width() < NARROW;
    let mut left = card.left() + space::S;
    if !is_narrow {
        let (width, height) = THUMBNAIL;
        let thumbnail = Rect::from_center_size(pos2(left + width / 2.0, card.center().y), vec2(width, height));
        let picture = cx.file_thumbnail(&part.path);
        let size = widgets::thumbnail_size(ui.ctx(), &picture);
        widgets::paint_thumbnail(ui.painter(), tokens, &picture, thumbnail, size);
        left = thumbnail.right() + space::S;
    }
    let sign = widgets::paint_verdict(ui, part.verdict, pos2(card.right() - space::S, card.bottom() - 16.0));
    words_ui(cx, part, (Rect::from_min_max(pos2(left, card.top()), card.max), sign), ui);
    let label = label(part);
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, is_chosen, &label));
    if response.clicked() {
        cx.inspect(InspectCommand::Select(row));
    }
    response.on_hover_text(hint(part));
}

/// Name, score, and what the person said.
fn words_ui(cx: &Cx<'_>, part: &Part, (room, sign): (Rect, Rect), ui: &Ui) {
    let tokens = theme::tokens(ui);
    let painter = ui.painter();
    let mut job = egui::text::LayoutJob::simple_singleline(text::name(&part.path), font::body(), tokens.text);
    job.wrap = egui::text::TextWrapping::truncate_at_width(room.width() - space::S);
    let name = painter.layout_job(job);
    painter.galley(pos2(room.left(), room.top() + 8.0), name, tokens.text);
    let score = text::decimal(part.score, 3);
    painter.text(pos2(room.left(), sign.center().y), Align2::LEFT_CENTER, score, font::small(), tokens.muted);
    if let Some((icon, color)) = said(cx, part, tokens) {
        painter.text(pos2(sign.left() - space::S, sign.center().y), Align2::RIGHT_CENTER, icon, font::field(), color);
    }
}

fn said(cx: &Cx<'_>, part: &Part, tokens: &theme::Tokens) -> Option<(&'static str, egui::Color32)> {
    match cx.state.inspection.decisions.of(&part.hash?)?.ruling? {
        Ruling::Accepted => Some((icons::ACCEPT, tokens.pass)),
        Ruling::Rejected => Some((icons::REJECT, tokens.fail)),
    }
}

/// What tests and screen readers find it by.
fn label(part: &Part) -> String {
    format!("{}: {}, {}", text::name(&part.path), widgets::verdict_name(part.verdict), text::decimal(part.score, 3))
}

fn hint(part: &Part) -> String {
    let path = part.path.to_string_lossy().into_owned();
    match part.complaint {
        Some(complaint) => format!("{path}\n{}", super::review::complaint(complaint)),
        None => path,
    }
}

//! Photos that are nearly the same, group by group, the best one first. Nothing goes by itself: the person says which
//! files may, and agrees once more before they are moved to the trash.

use egui::{RichText, ScrollArea, Sense, Stroke, StrokeKind, Ui, vec2};
use sightline_core::engine::DuplicatesReport;
use sightline_core::search::{Group, Likeness, Member, Reason};

use super::{Cx, Panel, page_ui};
use crate::gui::command::{Command, Errand};
use crate::gui::state::{Page, Question};
use crate::gui::theme::{self, font, radius, size, space};
use crate::gui::translate::{tr, tr_with};
use crate::gui::{icons, text, widgets};

/// See the module.
pub struct Duplicates;

/// The side of a photo in a group.
const SIDE: f32 = 132.0;
/// The height of a group: its line, its photos, their captions.
const GROUP: f32 = SIDE + 78.0;

impl Panel for Duplicates {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        page_ui(cx, Page::Duplicates, ui, |ui| match (&cx.state.duplicates.report, cx.state.duplicates.progress) {
            (_, Some(progress)) => searching_ui(cx, progress, ui),
            (Some(report), None) if report.groups.is_empty() => {
                let words = tr("No two photos of your library are the same, or look it.");
                widgets::page(ui, icons::CHECK, tr("No duplicates"), words, |ui| again_ui(cx, ui));
            }
            (Some(report), None) => report_ui(cx, report, ui),
            (None, None) => {
                let words = tr("Sightline compares what is in the files, and what is on the photos.");
                widgets::page(ui, icons::STACK, tr("Photos that are nearly the same"), words, |ui| again_ui(cx, ui));
            }
        });
    }
}

fn again_ui(cx: &Cx<'_>, ui: &mut Ui) {
    if widgets::button(ui, widgets::Kind::Primary, icons::REFRESH, tr("Look for duplicates")).clicked() {
        cx.send(Command::FindDuplicates);
    }
}

fn searching_ui(cx: &Cx<'_>, progress: sightline_core::jobs::Progress, ui: &mut Ui) {
    let words = tr("Photos are compared by what is in the files and by what is on them. Go on working meanwhile.");
    widgets::page(ui, icons::STACK, tr("Looking for duplicates …"), words, |ui| {
        let fraction = (progress.total > 0).then(|| progress.done as f32 / progress.total as f32);
        widgets::progress_bar(ui, tr("Duplicates"), fraction, theme::tokens(ui).accent, vec2(260.0, 6.0));
        if widgets::button(ui, widgets::Kind::Quiet, icons::STOP, tr("Stop")).clicked() {
            cx.send(Command::StopErrand(Errand::Duplicates));
        }
    });
}

fn report_ui(cx: &Cx<'_>, report: &DuplicatesReport, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    let chosen = &cx.state.duplicates.chosen;
    ui.horizontal(|ui| {
        let count = tr_with("{} of photos that are the same or look alike", &[&text::groups(report.groups.len())]);
        ui.label(RichText::new(count).font(font::title()).color(tokens.text));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let words = tr_with("Move {} to the trash …", &[&text::files(chosen.len())]);
            if !chosen.is_empty() && widgets::button(ui, widgets::Kind::Primary, icons::TRASH, &words).clicked() {
                cx.send(Command::Ask(Some(Question::Trash(chosen.iter().cloned().collect()))));
            }
            if widgets::button(ui, widgets::Kind::Quiet, icons::REFRESH, tr("Look again")).clicked() {
                cx.send(Command::FindDuplicates);
            }
        });
    });
    let what = tr(
        "The best one of each group comes first. A click on a photo lets it go, or stay. Nothing is deleted without your word.",
    );
    ui.label(RichText::new(what).font(font::small()).color(tokens.muted));
    if report.unseen > 0 {
        let unseen = tr_with("{} could not be compared: no thumbnail yet.", &[&text::photos(report.unseen)]);
        ui.label(RichText::new(unseen).font(font::small()).color(tokens.review));
    }
    ui.add_space(space::S);
    ScrollArea::vertical().auto_shrink(false).show_rows(ui, GROUP, report.groups.len(), |ui, groups| {
        for group in groups {
            group_ui(cx, report, &report.groups[group], ui);
        }
    });
}

fn likeness_name(likeness: Likeness) -> &'static str {
    match likeness {
        Likeness::Exact => tr("The same file"),
        Likeness::SamePicture => tr("The same picture"),
        Likeness::LookAlike => tr("Look alike"),
    }
}

fn reason_name(reason: Reason) -> &'static str {
    match reason {
        Reason::Online => tr("is on a drive that is there"),
        Reason::Favourite => tr("is a favourite"),
        Reason::MostPixels => tr("has the most pixels"),
        Reason::Sharpest => tr("is the sharpest"),
        Reason::LargestFile => tr("is the largest file"),
        Reason::Oldest => tr("is the oldest"),
        Reason::First => tr("comes first by name"),
    }
}

fn group_ui(cx: &Cx<'_>, report: &DuplicatesReport, group: &Group, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    ui.allocate_ui(vec2(ui.available_width(), GROUP), |ui| {
        ui.set_min_height(GROUP);
        ui.horizontal(|ui| {
            ui.label(RichText::new(likeness_name(group.likeness)).font(font::heading()).color(tokens.text));
            let why = tr_with("The first one {}", &[reason_name(group.why)]);
            ui.label(RichText::new(why).font(font::small()).color(tokens.muted));
        });
        ScrollArea::horizontal().id_salt(("group", group.members[0].entry)).show(ui, |ui| {
            ui.horizontal(|ui| group.members.iter().for_each(|member| member_ui(cx, report, member, ui)));
        });
    });
}

fn member_ui(cx: &Cx<'_>, report: &DuplicatesReport, member: &Member, ui: &mut Ui) {
    let Some(entry) = report.snapshot.entries.get(member.entry as usize) else { return };
    let tokens = theme::tokens(ui);
    let is_going = cx.state.duplicates.chosen.contains(&entry.path);
    ui.vertical(|ui| {
        ui.set_width(SIDE);
        let (rect, response) = ui.allocate_exact_size(vec2(SIDE, SIDE), Sense::click());
        let picture = vec2(entry.photo.width as f32, entry.photo.height as f32);
        widgets::paint_thumbnail(ui.painter(), tokens, &cx.thumbnail(entry), rect, picture);
        if is_going {
            ui.painter().rect_filled(rect, radius::S, tokens.background.gamma_multiply(0.6));
            ui.painter().rect_stroke(rect, radius::S, Stroke::new(2.0, tokens.fail), StrokeKind::Inside);
            ui.painter().text(rect.center(), egui::Align2::CENTER_CENTER, icons::TRASH, font::page(), tokens.fail);
        }
        let name = text::name(&entry.path);
        response.widget_info(|| egui::WidgetInfo::selected(egui::Role::CheckBox, true, is_going, &name));
        if response.on_hover_text(entry.path.to_string_lossy()).clicked() {
            cx.send(Command::ToggleDuplicate(entry.path.clone()));
        }
        let facts = format!("{} × {}, {}", entry.photo.width, entry.photo.height, text::bytes(entry.size));
        let like = member.closeness.map(|near| format!(" · {}", text::decimal(near, 2))).unwrap_or_default();
        for line in [name.clone(), format!("{facts}{like}")] {
            let words = RichText::new(line).font(font::caption()).color(tokens.muted);
            ui.add_sized(vec2(SIDE, size::CONTROL / 2.0), egui::Label::new(words).truncate());
        }
    });
}

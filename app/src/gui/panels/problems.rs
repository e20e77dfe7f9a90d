//! The files that could not be used, each with the reason.

use egui::{Frame, Margin, RichText, ScrollArea, Ui, vec2};
use sightline_core::Problem;

use super::{Cx, Panel, column_ui, page_ui, title_ui};
use crate::gui::command::{Command, ExportKind};
use crate::gui::state::Page;
use crate::gui::theme::{self, font, radius, space};
use crate::gui::translate::tr;
use crate::gui::{icons, text, widgets};

/// See the module.
pub struct Problems;

/// Height of one problem.
const ROW: f32 = 46.0;

impl Panel for Problems {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        page_ui(cx, Page::Problems, ui, |ui| {
            let problems = &cx.state.library.problems;
            if problems.is_empty() {
                let words = tr("Every file of your folders could be used.");
                widgets::page(ui, icons::CHECK, tr("No problems"), words, |ui| absence_ui(cx, ui));
                return;
            }
            column_ui(ui, |ui| head_ui(cx, problems, ui));
            ScrollArea::vertical().auto_shrink(false).show_rows(ui, ROW, problems.len(), |ui, rows| {
                column_ui(ui, |ui| problems[rows].iter().for_each(|problem| problem_ui(cx, problem, ui)));
            });
        });
    }
}

/// How many there are, and what can be done about them.
fn head_ui(cx: &Cx<'_>, problems: &[Problem], ui: &mut Ui) {
    title_ui(&text::problems(problems.len()), ui);
    let what = tr("These files were left out. Everything else is indexed and searchable.");
    ui.label(RichText::new(what).font(font::body()).color(theme::tokens(ui).muted));
    ui.add_space(space::XS);
    ui.horizontal(|ui| {
        let again = widgets::button(ui, widgets::Kind::Quiet, icons::REFRESH, tr("Try again"));
        if again.on_hover_text(tr("Looks at all folders again; files that changed are read anew")).clicked() {
            cx.send(Command::RefreshFolders);
        }
        if widgets::button(ui, widgets::Kind::Quiet, icons::COPY, tr("Copy the list")).clicked() {
            cx.send(Command::CopyText(as_table(problems)));
        }
        if widgets::button(ui, widgets::Kind::Quiet, icons::EXPORT, tr("Save as CSV …")).clicked() {
            cx.send(Command::Export(ExportKind::Problems));
        }
    });
    ui.horizontal(|ui| absence_ui(cx, ui));
    ui.add_space(space::S);
}

/// Why a file is not in the library: asked by dropping or choosing it.
fn absence_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    let words = match &cx.state.absence {
        Some((path, reason)) => format!("{}: {reason}", text::name(path)),
        None => tr("Is a photo missing? Choose it or drop it here, and Sightline says why.").to_owned(),
    };
    if widgets::button(ui, widgets::Kind::Quiet, icons::QUESTION, tr("Choose a missing photo …")).clicked() {
        cx.send(Command::ChooseMissing);
    }
    ui.add(egui::Label::new(RichText::new(words).font(font::small()).color(tokens.text)).wrap());
}

fn problem_ui(cx: &Cx<'_>, problem: &Problem, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    let frame = Frame::new().fill(tokens.panel).corner_radius(radius::M).inner_margin(Margin::symmetric(10, 5));
    let response = frame
        .show(ui, |ui| {
            ui.set_min_size(vec2(ui.available_width(), ROW - 10.0));
            ui.spacing_mut().item_spacing.y = 2.0;
            let name = RichText::new(text::name(&problem.path)).font(font::heading()).color(tokens.text);
            ui.add(egui::Label::new(name).truncate());
            // The path is in the name and the tooltip already.
            let path = format!(": {}", problem.path.display());
            let reason = problem.reason.strip_suffix(&path).unwrap_or(&problem.reason);
            let reason = RichText::new(text::sentence(reason)).font(font::small()).color(tokens.muted);
            ui.add(egui::Label::new(reason).truncate()).on_hover_text(&problem.reason);
        })
        .response
        .interact(egui::Sense::click());
    response.context_menu(|ui| {
        if widgets::button(ui, widgets::Kind::Plain, icons::FOLDER_OPEN, tr("Show in the file manager")).clicked() {
            cx.send(Command::Reveal(problem.path.clone()));
            ui.close();
        }
        if widgets::button(ui, widgets::Kind::Plain, icons::COPY, tr("Copy path")).clicked() {
            cx.send(Command::CopyText(problem.path.to_string_lossy().into_owned()));
            ui.close();
        }
    });
    response.on_hover_text(problem.path.to_string_lossy());
}

/// One line a problem: the path, a tab, the reason.
fn as_table(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{}\t{}\n", problem.path.display(), problem.reason)).collect()
}

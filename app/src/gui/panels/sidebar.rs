//! The sidebar: all photos, problems, the added folders, dark or light.

use egui::{Align, Frame, Layout, Margin, RichText, ScrollArea, Ui, vec2};

use super::{Cx, Panel};
use crate::gui::command::Command;
use crate::gui::state::{Appearance, Folder, Page};
use crate::gui::theme::{self, font, size, space};
use crate::gui::{icons, text, widgets};

/// See the module.
pub struct Sidebar;

impl Panel for Sidebar {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        let is_wide = ui.ctx().content_rect().width() >= size::HIDES_SIDEBAR;
        if !is_wide && !cx.state.is_sidebar_open {
            return;
        }
        let fill = theme::tokens(ui).panel;
        let frame = Frame::new().fill(fill).inner_margin(Margin::same(space::M as i8));
        egui::Panel::left("sidebar").exact_size(size::SIDEBAR).resizable(false).frame(frame).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            brand_ui(ui);
            pages_ui(cx, ui);
            ui.with_layout(Layout::bottom_up(Align::Min), |ui| {
                appearance_ui(cx, ui);
                ui.with_layout(Layout::top_down(Align::Min), |ui| folders_ui(cx, ui));
            });
        });
    }
}

/// The mark, a lens that looks at a horizon, and the name.
fn brand_ui(ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    ui.horizontal(|ui| {
        ui.set_height(size::CONTROL);
        ui.add_space(space::M);
        let (rect, _) = ui.allocate_exact_size(vec2(16.0, 16.0), egui::Sense::hover());
        ui.painter().circle_filled(rect.center(), 8.0, tokens.accent);
        ui.painter().with_clip_rect(egui::Rect::everything_below(rect.center().y)).circle_filled(
            rect.center(),
            8.0,
            tokens.pass,
        );
        ui.add_space(2.0);
        ui.label(RichText::new("Sightline").font(font::title()).color(tokens.text));
    });
    ui.add_space(space::M);
}

fn pages_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let state = cx.state;
    let is_photos = state.page == Page::Photos;
    let photos = widgets::Row {
        icon: icons::IMAGES,
        label: "All photos",
        trailing: &text::count(state.library.photos as u64),
        is_chosen: is_photos && state.query.folder.is_none(),
    };
    if widgets::row(ui, &photos).clicked() {
        cx.send(Command::ShowFolder(None));
    }
    if state.library.problems.is_empty() {
        return;
    }
    let problems = widgets::Row {
        icon: icons::WARNING,
        label: "Problems",
        trailing: &text::count(state.library.problems.len() as u64),
        is_chosen: !is_photos,
    };
    if widgets::row(ui, &problems).clicked() {
        cx.send(Command::OpenPage(Page::Problems));
    }
}

fn folders_ui(cx: &Cx<'_>, ui: &mut Ui) {
    ui.add_space(space::M);
    widgets::group_heading(ui, "Folders", |ui| {
        if widgets::icon_button(ui, icons::PLUS, "Add another folder", false).clicked() {
            cx.send(Command::ChooseFolder);
        }
        let is_idle = cx.state.indexing.is_none() && cx.state.library.photos > 0;
        if is_idle && widgets::icon_button(ui, icons::REFRESH, "Look for changes", false).clicked() {
            cx.send(Command::RefreshFolders);
        }
    });
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for folder in cx.state.library.folders.iter().flatten() {
            folder_ui(cx, folder, ui);
        }
        for folder in &cx.state.waiting_folders {
            let label = text::name(folder);
            widgets::row(ui, &widgets::Row { icon: icons::FOLDER, label: &label, trailing: "waits", is_chosen: false });
        }
    });
}

fn folder_ui(cx: &Cx<'_>, folder: &Folder, ui: &mut Ui) {
    let path = &folder.record.path;
    let is_offline = folder.record.is_offline;
    let count = text::count(folder.photos as u64);
    let row = widgets::Row {
        icon: if is_offline { icons::UNPLUGGED } else { icons::FOLDER },
        label: &text::name(path),
        trailing: if is_offline { "offline" } else { &count },
        is_chosen: cx.state.page == Page::Photos && cx.state.query.folder.as_ref() == Some(path),
    };
    let response = widgets::row(ui, &row).on_hover_text(path.to_string_lossy());
    if response.clicked() {
        cx.send(Command::ShowFolder(Some(path.clone())));
    }
    response.context_menu(|ui| {
        if widgets::button(ui, widgets::Kind::Plain, icons::REFRESH, "Look for changes").clicked() {
            cx.send(Command::AddFolder(path.clone()));
            ui.close();
        }
        let remove = widgets::button(ui, widgets::Kind::Plain, icons::TRASH, "Remove from library");
        if remove.on_hover_text("The photos themselves stay where they are").clicked() {
            cx.send(Command::RemoveFolder(path.clone()));
            ui.close();
        }
    });
}

fn appearance_ui(cx: &Cx<'_>, ui: &mut Ui) {
    ui.horizontal(|ui| {
        let choices = [
            (Appearance::System, icons::CIRCLE_HALF, "Theme of the system"),
            (Appearance::Light, icons::SUN, "Light theme"),
            (Appearance::Dark, icons::MOON, "Dark theme"),
        ];
        for (appearance, icon, label) in choices {
            if widgets::icon_button(ui, icon, label, cx.state.appearance == appearance).clicked() {
                cx.send(Command::SetAppearance(appearance));
            }
        }
    });
}

//! The sidebar: pages, the added folders, what the person made, dark or light.

use egui::{Align, Frame, Layout, Margin, RichText, ScrollArea, Ui, vec2};

use sightline_core::search::Filter;

use super::{Cx, Panel};
use crate::gui::command::{Command, LookChange};
use crate::gui::state::{Appearance, Cover, Folder, Page, State};
use crate::gui::theme::{self, font, size, space};
use crate::gui::translate::{LANGUAGES, tr};
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
                ui.with_layout(Layout::top_down(Align::Min), |ui| groups_ui(cx, ui));
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
    let filter = &state.query.filter;
    let photos = widgets::Row {
        icon: icons::IMAGES,
        label: tr("All photos"),
        trailing: &text::count(state.library.photos as u64),
        is_chosen: is_photos && !state.query.is_filtered(),
    };
    if widgets::row(ui, &photos).clicked() {
        cx.send(Command::ShowAll);
    }
    if state.library.favourites > 0 {
        let favourites = widgets::Row {
            icon: icons::HEART,
            label: tr("Favourites"),
            trailing: &text::count(state.library.favourites as u64),
            is_chosen: is_photos && filter.favourites_only,
        };
        if widgets::row(ui, &favourites).clicked() {
            let only = Filter { favourites_only: !filter.favourites_only, ..filter.clone() };
            cx.send(Command::SetFilter(Box::new(only)));
        }
    }
    for page in PAGES.iter().filter(|page| (page.is_offered)(state)) {
        let row = widgets::Row {
            icon: page.icon,
            label: tr(page.label),
            trailing: &(page.trailing)(state),
            is_chosen: state.page == page.page,
        };
        if widgets::row(ui, &row).clicked() {
            cx.send(Command::OpenPage(page.page));
        }
    }
}

/// A page that the sidebar leads to.
struct PageRow {
    page: Page,
    icon: &'static str,
    label: &'static str,
    trailing: fn(&State) -> String,
    is_offered: fn(&State) -> bool,
}

/// Every page but the photos, in the order of the sidebar.
const PAGES: &[PageRow] = &[
    PageRow {
        page: Page::Map,
        icon: icons::MAP,
        label: "Map",
        trailing: |_| String::new(),
        is_offered: |state| state.library.photos > state.library.waiting,
    },
    PageRow {
        page: Page::Duplicates,
        icon: icons::STACK,
        label: "Duplicates",
        trailing: |state| {
            state.duplicates.report.as_ref().map(|report| text::count(report.groups.len() as u64)).unwrap_or_default()
        },
        is_offered: |state| state.library.photos > 1,
    },
    PageRow {
        page: Page::Inspect,
        icon: icons::INSPECT,
        label: "Inspect",
        trailing: |_| String::new(),
        is_offered: |_| true,
    },
    PageRow {
        page: Page::Models,
        icon: icons::MODEL,
        label: "Models",
        trailing: |_| String::new(),
        is_offered: |_| true,
    },
    PageRow {
        page: Page::Problems,
        icon: icons::WARNING,
        label: "Problems",
        trailing: |state| text::count(state.library.problems.len() as u64),
        is_offered: |state| !state.library.problems.is_empty(),
    },
];

/// What the person made and added, group by group.
fn groups_ui(cx: &Cx<'_>, ui: &mut Ui) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        folders_ui(cx, ui);
        super::sidebar_made::albums_ui(cx, ui);
        super::sidebar_made::searches_ui(cx, ui);
        super::sidebar_made::tags_ui(cx, ui);
    });
}

fn folders_ui(cx: &Cx<'_>, ui: &mut Ui) {
    ui.add_space(space::M);
    widgets::group_heading(ui, tr("Folders"), |ui| {
        if widgets::icon_button(ui, icons::PLUS, tr("Add another folder"), false).clicked() {
            cx.send(Command::ChooseFolder);
        }
        let is_idle = cx.state.indexing.is_none() && cx.state.library.photos > 0;
        if is_idle && widgets::icon_button(ui, icons::REFRESH, tr("Look for changes"), false).clicked() {
            cx.send(Command::RefreshFolders);
        }
    });
    for folder in cx.state.library.folders.iter().flatten() {
        folder_ui(cx, folder, ui);
    }
    for folder in &cx.state.waiting_folders {
        let label = text::name(folder);
        let row = widgets::Row { icon: icons::FOLDER, label: &label, trailing: tr("waits"), is_chosen: false };
        widgets::row(ui, &row);
    }
}

fn folder_ui(cx: &Cx<'_>, folder: &Folder, ui: &mut Ui) {
    let path = &folder.record.path;
    let is_offline = folder.record.is_offline;
    let count = text::count(folder.photos as u64);
    let row = widgets::Row {
        icon: if is_offline { icons::UNPLUGGED } else { icons::FOLDER },
        label: &text::name(path),
        trailing: if is_offline { tr("offline") } else { &count },
        is_chosen: cx.state.page == Page::Photos && cx.state.query.folder() == Some(path.as_path()),
    };
    let response = widgets::row(ui, &row).on_hover_text(path.to_string_lossy());
    if response.clicked() {
        cx.send(Command::ShowFolder(Some(path.clone())));
    }
    response.context_menu(|ui| {
        if widgets::button(ui, widgets::Kind::Plain, icons::REFRESH, tr("Look for changes")).clicked() {
            cx.send(Command::AddFolder(path.clone()));
            ui.close();
        }
        let remove = widgets::button(ui, widgets::Kind::Plain, icons::TRASH, tr("Remove from library"));
        if remove.on_hover_text(tr("The photos themselves stay where they are")).clicked() {
            cx.send(Command::RemoveFolder(path.clone()));
            ui.close();
        }
    });
}

fn appearance_ui(cx: &Cx<'_>, ui: &mut Ui) {
    ui.horizontal(|ui| {
        let choices = [
            (Appearance::System, icons::CIRCLE_HALF, tr("Theme of the system")),
            (Appearance::Light, icons::SUN, tr("Light theme")),
            (Appearance::Dark, icons::MOON, tr("Dark theme")),
        ];
        for (appearance, icon, label) in choices {
            if widgets::icon_button(ui, icon, label, cx.state.appearance == appearance).clicked() {
                cx.send(Command::Look(LookChange::Appearance(appearance)));
            }
        }
        if widgets::icon_button(ui, icons::KEYBOARD, tr("All keys"), false).clicked() {
            cx.send(Command::Cover(Some(Cover::Keys)));
        }
        language_ui(cx, ui);
    });
}

fn language_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let button = widgets::icon_button(ui, icons::TRANSLATE, tr("Language"), false);
    egui::Popup::menu(&button).show(|ui| {
        for (language, name) in LANGUAGES {
            if ui.selectable_label(cx.state.language == *language, *name).clicked() {
                cx.send(Command::Look(LookChange::Language(*language)));
            }
        }
    });
}

//! The line over the grid: how many photos, how long it took, which filters, in which order.

use egui::{Align, Frame, Layout, Margin, RichText, Ui};
use sightline_core::search::{Filter, Sort};

use super::{Cx, Panel};
use crate::gui::apply::ROW_HEIGHTS;
use crate::gui::command::{Command, LookChange};
use crate::gui::state::{Query, Shapes, State};
use crate::gui::theme::{self, font, space};
use crate::gui::translate::{tr, tr_with};
use crate::gui::{icons, text, widgets};

/// See the module.
pub struct Results;

impl Panel for Results {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        if !super::is_grid_shown(cx.state) {
            return;
        }
        let fill = theme::tokens(ui).background;
        let margin = Margin { left: space::L as i8, right: space::L as i8, top: space::M as i8, bottom: 0 };
        let panel = egui::Panel::top("results").resizable(false).show_separator_line(false);
        panel.frame(Frame::new().fill(fill).inner_margin(margin)).show(ui, |ui| {
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                ui.horizontal(|ui| line_ui(cx, ui));
                for note in notes(cx.state) {
                    let muted = theme::tokens(ui).muted;
                    let note = format!("{}  {}", icons::INFO, text::sentence(&note));
                    ui.label(RichText::new(note).font(font::small()).color(muted));
                }
            });
        });
    }
}

fn line_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        sort_ui(cx, ui);
        let is_open = cx.state.filters.is_open;
        let filters = widgets::button(ui, widgets::Kind::Quiet, icons::SLIDERS, tr("Filters"));
        if filters.on_hover_text(tr("Date, camera, lens, type, tag, place, stars, size")).clicked() {
            cx.send(Command::OpenFilters(!is_open));
        }
        shape_ui(cx, ui);
        for (label, without) in conditions(&cx.state.query).into_iter().rev() {
            let clear = widgets::button(ui, widgets::Kind::Quiet, icons::X, &label);
            if clear.on_hover_text(tr("Take this filter away")).clicked() {
                cx.send(without);
            }
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let words = RichText::new(summary(cx.state)).font(font::body()).color(tokens.muted);
            ui.add(egui::Label::new(words).truncate());
        });
    });
}

/// How large photos are, and whether they keep their shapes.
fn shape_ui(cx: &Cx<'_>, ui: &mut Ui) {
    if ui.available_width() < 480.0 {
        return;
    }
    let (least, most) = ROW_HEIGHTS;
    let mut height = cx.state.row_height;
    ui.spacing_mut().slider_width = 70.0;
    let slider = egui::Slider::new(&mut height, least..=most).logarithmic(true).show_value(false);
    let slider = ui.add(slider);
    slider.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Slider, true, tr("Size of the photos")));
    if slider.on_hover_text(tr("Size of the photos")).changed() {
        cx.send(Command::Look(LookChange::RowHeight(height)));
    }
    let is_square = cx.state.shapes == Shapes::Square;
    if widgets::icon_button(ui, icons::SQUARES, tr("Square photos"), is_square).clicked() {
        cx.send(Command::Look(LookChange::Shapes(if is_square { Shapes::Justified } else { Shapes::Square })));
    }
}

/// What photos must be, each with the command that no longer asks for it.
fn conditions(query: &Query) -> Vec<(String, Command)> {
    let filter = &query.filter;
    let without = |change: &dyn Fn(&mut Filter)| {
        let mut filter = filter.clone();
        change(&mut filter);
        Command::SetFilter(Box::new(filter))
    };
    let mut conditions: Vec<(String, Command)> = Vec::new();
    if let Some(folder) = query.folder() {
        conditions.push((tr_with("In {}", &[&text::name(folder)]), Command::ShowFolder(None)));
    }
    if let Some(album) = &query.album {
        conditions.push((tr_with("Album {}", &[album]), Command::ShowAlbum(None)));
    }
    if let Some(picked) = &query.picked {
        conditions.push((picked.name.clone(), Command::ShowAll));
    }
    if filter.after.is_some() || filter.before.is_some() {
        let words = text::span(filter.after, filter.before);
        conditions.push((words, without(&|filter| (filter.after, filter.before) = (None, None))));
    }
    for tag in &filter.tags {
        conditions.push((tag.clone(), without(&|filter| filter.tags.retain(|known| known != tag))));
    }
    let lists = [filter.cameras.join(", "), filter.lenses.join(", "), filter.formats.join(", ")];
    let clears: [&dyn Fn(&mut Filter); 3] =
        [&|filter| filter.cameras.clear(), &|filter| filter.lenses.clear(), &|filter| filter.formats.clear()];
    for (list, clear) in lists.into_iter().zip(clears).filter(|(list, _)| !list.is_empty()) {
        conditions.push((list, without(clear)));
    }
    if filter.favourites_only {
        conditions.push((tr("Favourites").to_owned(), without(&|filter| filter.favourites_only = false)));
    }
    if filter.least_stars > 0 {
        let words = tr_with("{} stars or more", &[&filter.least_stars.to_string()]);
        conditions.push((words, without(&|filter| filter.least_stars = 0)));
    }
    conditions
}

/// The orders, and whether they need something that is looked for.
const ORDERS: &[(Sort, &str)] = &[
    (Sort::Score, "By relevance"),
    (Sort::NewestFirst, "Newest first"),
    (Sort::OldestFirst, "Oldest first"),
    (Sort::Name, "By name"),
    (Sort::LargestFirst, "Largest first"),
    (Sort::SmallestFirst, "Smallest first"),
];

fn sort_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let is_browsing = cx.state.query.is_browsing();
    let now = match cx.state.query.sort {
        Sort::Score if is_browsing => Sort::NewestFirst,
        sort => sort,
    };
    let name = ORDERS.iter().find(|(sort, _)| *sort == now).map_or("", |(_, name)| tr(name));
    let combo = egui::ComboBox::from_id_salt("sort").selected_text(RichText::new(name).font(font::body()));
    let shown = combo.show_ui(ui, |ui| {
        for (sort, name) in ORDERS.iter().filter(|(sort, _)| !(is_browsing && *sort == Sort::Score)) {
            if ui.selectable_label(*sort == now, tr(name)).clicked() {
                cx.send(Command::SortBy(*sort));
            }
        }
    });
    shown.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, true, tr("Order of the photos")));
}

fn summary(state: &State) -> String {
    let answer = &state.answer;
    let photos = text::photos(answer.hits.len());
    let chosen = state.selection.len();
    match (answer.query.is_browsing(), answer.query == state.query) {
        (_, false) => tr("Searching …").to_owned(),
        (_, true) if chosen > 1 => tr_with("{}, {} chosen", &[&photos, &text::count(chosen as u64)]),
        (true, true) => photos,
        (false, true) => tr_with("{} in {}", &[&photos, &text::duration(answer.milliseconds)]),
    }
}

fn notes(state: &State) -> Vec<String> {
    let mut notes = state.answer.notes.clone();
    if state.answer.is_only_weak() {
        let nothing = tr("nothing here stands out for this search; these are merely the nearest photos");
        notes.insert(0, nothing.to_owned());
    }
    notes
}

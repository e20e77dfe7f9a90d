//! What photos must be, whatever is looked for: date, camera, lens, type, tag, place, stars, size. Values come with how
//! many photos have them; the timeline shows when photos were taken.

use egui::{Frame, Margin, Popup, PopupCloseBehavior, Rect, RichText, ScrollArea, Sense, Stroke, Ui, pos2, vec2};
use sightline_core::search::{Count, Facets, Filter, TimeCount};

use super::{Cx, Panel};
use crate::gui::command::Command;
use crate::gui::state::Page;
use crate::gui::theme::{self, font, radius, size, space};
use crate::gui::translate::{tr, tr_with};
use crate::gui::{icons, text, widgets};

/// See the module.
#[derive(Default)]
pub struct Filters {
    /// The first and the last bar of a range that is being drawn.
    drawn: Option<(usize, usize)>,
}

/// The height of the timeline.
const TIMELINE: f32 = 54.0;
/// Values of one kind that are listed.
const LISTED: usize = 200;
const MEGABYTE: u64 = 1_000_000;

impl Panel for Filters {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        if !cx.state.filters.is_open || cx.state.page != Page::Photos {
            return;
        }
        let tokens = theme::tokens(ui);
        let frame = Frame::new().fill(tokens.panel).inner_margin(Margin::symmetric(space::L as i8, space::S as i8));
        egui::Panel::top("filters").resizable(false).frame(frame).show(ui, |ui| {
            let Some(facets) = &cx.state.filters.facets else {
                ui.label(RichText::new(tr("Counting …")).font(font::small()).color(tokens.muted));
                return;
            };
            ui.horizontal_wrapped(|ui| values_ui(cx, facets, ui));
            self.timeline_ui(cx, &facets.months(), ui);
        });
    }
}

/// A kind of values: what it is called, those of a facet, and where a filter keeps the chosen ones.
struct Kind {
    name: &'static str,
    of: fn(&Facets) -> &[Count],
    chosen: fn(&mut Filter) -> &mut Vec<String>,
}

const KINDS: &[Kind] = &[
    Kind { name: "Camera", of: |facets| &facets.cameras, chosen: |filter| &mut filter.cameras },
    Kind { name: "Lens", of: |facets| &facets.lenses, chosen: |filter| &mut filter.lenses },
    Kind { name: "Type", of: |facets| &facets.formats, chosen: |filter| &mut filter.formats },
    Kind { name: "Tag", of: |facets| &facets.tags, chosen: |filter| &mut filter.tags },
];

fn values_ui(cx: &Cx<'_>, facets: &Facets, ui: &mut Ui) {
    let filter = &cx.state.query.filter;
    for kind in KINDS.iter().filter(|kind| !(kind.of)(facets).is_empty()) {
        kind_ui(cx, kind, facets, ui);
    }
    folders_ui(cx, facets, ui);
    let toggle = |ui: &mut Ui, is_on: bool, label: &str, filter: Filter| {
        if ui.selectable_label(is_on, label).clicked() {
            cx.send(Command::SetFilter(Box::new(filter)));
        }
    };
    let favourites = Filter { favourites_only: !filter.favourites_only, ..filter.clone() };
    toggle(ui, filter.favourites_only, tr("Favourites"), favourites);
    if facets.with_position > 0 {
        let has = if filter.has_position == Some(true) { None } else { Some(true) };
        let label = tr_with("With a place ({})", &[&text::count(facets.with_position as u64)]);
        toggle(ui, filter.has_position == Some(true), &label, Filter { has_position: has, ..filter.clone() });
    }
    stars_ui(cx, ui);
    sizes_ui(cx, ui);
    if !filter.is_empty() && widgets::button(ui, widgets::Kind::Plain, icons::X, tr("No filters")).clicked() {
        cx.send(Command::SetFilter(Box::default()));
    }
}

/// A button with the kind's name that opens the list of its values.
fn kind_ui(cx: &Cx<'_>, kind: &Kind, facets: &Facets, ui: &mut Ui) {
    let mut filter = cx.state.query.filter.clone();
    let chosen = (kind.chosen)(&mut filter).clone();
    let label = match &chosen[..] {
        [] => tr(kind.name).to_owned(),
        [one] => one.clone(),
        several => format!("{} ({})", tr(kind.name), text::count(several.len() as u64)),
    };
    let button = list_button(ui, &label, !chosen.is_empty());
    let popup = Popup::menu(&button).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    popup.show(|ui| {
        ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
            ui.set_min_width(240.0);
            for value in (kind.of)(facets).iter().take(LISTED) {
                value_ui(cx, kind, (value, chosen.contains(&value.value)), ui);
            }
        });
    });
}

/// One value: a click asks for it, another one no longer.
fn value_ui(cx: &Cx<'_>, kind: &Kind, (value, is_chosen): (&Count, bool), ui: &mut Ui) {
    let label = format!("{}  ({})", value.value, text::count(value.count as u64));
    if !ui.selectable_label(is_chosen, label).clicked() {
        return;
    }
    let mut filter = cx.state.query.filter.clone();
    let values = (kind.chosen)(&mut filter);
    if is_chosen {
        values.retain(|known| *known != value.value);
    } else {
        values.push(value.value.clone());
    }
    cx.send(Command::SetFilter(Box::new(filter)));
}

fn list_button(ui: &mut Ui, label: &str, is_on: bool) -> egui::Response {
    let tokens = theme::tokens(ui);
    let words = RichText::new(format!("{label} {}", icons::CARET_DOWN)).font(font::small()).color(tokens.text);
    let fill = if is_on { tokens.accent_soft } else { tokens.raised };
    let button = ui.add(egui::Button::new(words).fill(fill));
    button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, label));
    button
}

/// The folders as a tree, flattened: each with what it and all below it hold.
fn folders_ui(cx: &Cx<'_>, facets: &Facets, ui: &mut Ui) {
    let chosen = cx.state.query.folder();
    let label = chosen.map_or_else(|| tr("Folder").to_owned(), text::name);
    let button = list_button(ui, &label, chosen.is_some());
    Popup::menu(&button).show(|ui| {
        ScrollArea::vertical().max_height(360.0).show(ui, |ui| {
            ui.set_min_width(280.0);
            let top = facets.folders.iter().map(|folder| folder.path.components().count()).min().unwrap_or(0);
            for folder in facets.folders.iter().take(LISTED) {
                let indent = "    ".repeat(folder.path.components().count() - top);
                let label = format!("{indent}{}  ({})", text::name(&folder.path), text::count(folder.below as u64));
                if ui.selectable_label(chosen == Some(folder.path.as_path()), label).clicked() {
                    let folder = (chosen != Some(folder.path.as_path())).then(|| folder.path.clone());
                    cx.send(Command::ShowFolder(folder));
                }
            }
        });
    });
}

fn stars_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let filter = &cx.state.query.filter;
    let words = |stars: u8| match stars {
        0 => tr("Any stars").to_owned(),
        stars => tr_with("{} stars or more", &[&stars.to_string()]),
    };
    let button = list_button(ui, &words(filter.least_stars), filter.least_stars > 0);
    Popup::menu(&button).show(|ui| {
        for stars in 0..=sightline_core::index::MOST_STARS {
            if ui.selectable_label(filter.least_stars == stars, words(stars)).clicked() {
                cx.send(Command::SetFilter(Box::new(Filter { least_stars: stars, ..filter.clone() })));
            }
        }
    });
}

fn sizes_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let choices = [
        (tr("Any size"), None, None),
        (tr("Under 1 MB"), None, Some(MEGABYTE)),
        (tr("1 to 10 MB"), Some(MEGABYTE), Some(10 * MEGABYTE)),
        (tr("Over 10 MB"), Some(10 * MEGABYTE), None),
    ];
    let filter = &cx.state.query.filter;
    let now = choices.iter().find(|(_, least, most)| (filter.min_bytes, filter.max_bytes) == (*least, *most));
    let is_on = filter.min_bytes.is_some() || filter.max_bytes.is_some();
    let button = list_button(ui, now.map_or(tr("Size"), |(name, ..)| *name), is_on);
    Popup::menu(&button).show(|ui| {
        for (name, min_bytes, max_bytes) in choices {
            let is_chosen = (filter.min_bytes, filter.max_bytes) == (min_bytes, max_bytes);
            if ui.selectable_label(is_chosen, name).clicked() {
                cx.send(Command::SetFilter(Box::new(Filter { min_bytes, max_bytes, ..filter.clone() })));
            }
        }
    });
}

impl Filters {
    /// A bar for each month. A click shows that month, dragging shows a range, a double click all again.
    fn timeline_ui(&mut self, cx: &Cx<'_>, months: &[TimeCount], ui: &mut Ui) {
        if months.len() < 2 {
            return;
        }
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), TIMELINE), Sense::click_and_drag());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, tr("When photos were taken")));
        let step = (rect.width() / months.len() as f32).min(26.0);
        let at = |x: f32| (((x - rect.left()) / step).max(0.0) as usize).min(months.len() - 1);
        self.follow(cx, &response, months, at);
        bars_ui(cx, months, (rect, step), self.drawn, ui);
        if let Some(month) = response.hover_pos().map(|pointer| months[at(pointer.x)]) {
            let words = format!("{}: {}", text::month(month.start), text::photos(month.count));
            response.on_hover_text_at_pointer(words);
        }
    }

    fn follow(&mut self, cx: &Cx<'_>, response: &egui::Response, months: &[TimeCount], at: impl Fn(f32) -> usize) {
        let filter = &cx.state.query.filter;
        let range = |first: usize, last: usize| {
            let before = months.get(last + 1).map(|month| month.start);
            Command::SetFilter(Box::new(Filter { after: Some(months[first].start), before, ..filter.clone() }))
        };
        if response.double_clicked() {
            cx.send(Command::SetFilter(Box::new(Filter { after: None, before: None, ..filter.clone() })));
            return;
        }
        let Some(pointer) = response.interact_pointer_pos() else { return };
        let bar = at(pointer.x);
        if response.clicked() {
            cx.send(range(bar, bar));
        }
        if response.dragged() {
            let first = self.drawn.map_or(bar, |(first, _)| first);
            self.drawn = Some((first, bar));
        }
        if let Some((first, last)) = self.drawn.filter(|_| response.drag_stopped()) {
            self.drawn = None;
            cx.send(range(first.min(last), first.max(last)));
        }
    }
}

fn bars_ui(cx: &Cx<'_>, months: &[TimeCount], (rect, step): (Rect, f32), drawn: Option<(usize, usize)>, ui: &Ui) {
    let tokens = theme::tokens(ui);
    let filter = &cx.state.query.filter;
    let most = months.iter().map(|month| month.count).max().unwrap_or(1) as f32;
    let base = rect.bottom() - 14.0;
    for (i, month) in months.iter().enumerate() {
        // The square root: a month of a thousand photos must not make one of ten invisible.
        let height = (month.count as f32 / most).sqrt() * (base - rect.top());
        let left = rect.left() + i as f32 * step;
        let bar = Rect::from_min_max(pos2(left + 0.5, base - height.max(2.0)), pos2(left + step - 0.5, base));
        let is_drawn = drawn.is_some_and(|(a, b)| (a.min(b)..=a.max(b)).contains(&i));
        let is_inside = filter.after.is_none_or(|after| after <= month.start)
            && filter.before.is_none_or(|before| month.start < before);
        let color = match () {
            () if is_drawn => tokens.accent,
            () if is_inside => tokens.accent.gamma_multiply(0.7),
            () => tokens.line,
        };
        ui.painter().rect_filled(bar, radius::S.min(2), color);
        let is_january = i == 0 || text::year(months[i - 1].start) != text::year(month.start);
        if is_january && step * 4.0 > 1.0 {
            year_ui(left, base, month.start, ui);
        }
    }
    ui.painter().hline(rect.x_range(), base + 0.5, Stroke::new(1.0, tokens.line));
}

/// The year under its first bar, unless it would write over another one.
fn year_ui(left: f32, base: f32, start: i64, ui: &Ui) {
    let id = ui.scope_id().with("last-year");
    let last = ui.data(|data| data.get_temp::<f32>(id)).unwrap_or(f32::MIN);
    let is_first = last > left;
    if !is_first && left - last < size::CONTROL + space::S {
        return;
    }
    ui.data_mut(|data| data.insert_temp(id, left));
    let muted = theme::tokens(ui).muted;
    let year = text::year(start).to_string();
    ui.painter().text(pos2(left, base + 2.0), egui::Align2::LEFT_TOP, year, font::caption(), muted);
}

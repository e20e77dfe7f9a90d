//! The photos: justified rows of which only the visible ones exist, with scores, bands and the chosen photos.

use egui::{
    Align2, CentralPanel, CornerRadius, Frame, Key, Margin, Pos2, Rect, ScrollArea, Sense, Stroke, StrokeKind, Ui,
};
use egui::{pos2, vec2};
use sightline_core::index::{ContentHash, Entry};
use sightline_core::search::Hit;

use super::{Cx, Panel};
use crate::gui::command::{Beside, Command, LookChange};
use crate::gui::layout::{Layout, Measures, Row, RowContent};
use crate::gui::state::{Query, Section, Shapes, band_name};
use crate::gui::theme::{self, font, radius, size, space};
use crate::gui::translate::tr_with;
use crate::gui::{icons, text, widgets};

/// See the module.
#[derive(Default)]
pub struct Grid {
    layout: Layout,
    /// For which answer and width the layout was computed.
    laid_out: Option<(u64, Measures)>,
    /// The query of that answer.
    query: Query,
    /// The photo at the top, and how far the grid was scrolled: what is kept when the layout changes.
    anchor: Option<(ContentHash, f32)>,
    offset: f32,
    /// The photo that was under the cursor in the last frame.
    chosen: Option<usize>,
    /// Where a frame around photos begins, in the coordinates of the layout.
    marquee: Option<Pos2>,
}

/// Over the first row.
const TOP: f32 = 4.0;

impl Panel for Grid {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        if !super::is_grid_shown(cx.state) {
            return;
        }
        let margin = Margin { left: space::L as i8, right: space::XS as i8, top: 0, bottom: 0 };
        let frame = Frame::new().fill(theme::tokens(ui).background).inner_margin(margin);
        CentralPanel::default().frame(frame).show(ui, |ui| {
            let jump = self.lay_out(cx, ui);
            self.keys(cx, ui);
            self.scroll_ui(cx, jump, ui);
        });
    }
}

impl Grid {
    /// Computes the layout if something of it changed; gives the place to scroll to then.
    fn lay_out(&mut self, cx: &Cx<'_>, ui: &Ui) -> Option<f32> {
        let answer = &cx.state.answer;
        let measures = Measures {
            width: (ui.available_width() - space::M).floor(),
            row_height: cx.state.row_height,
            gap: space::S,
            heading: size::HEADING,
            shapes: cx.state.shapes,
        };
        if self.laid_out == Some((answer.number, measures)) {
            return None;
        }
        let shape = |index: usize| match measures.shapes {
            Shapes::Justified => shape(answer.entry(index)),
            Shapes::Square => 1.0,
        };
        let shapes: Vec<f32> = (0..answer.hits.len()).map(shape).collect();
        self.layout = Layout::justified(&shapes, &answer.sections, measures);
        let is_first = self.laid_out.replace((answer.number, measures)).is_none();
        let is_other_query = std::mem::replace(&mut self.query, answer.query.clone()) != answer.query;
        if is_other_query {
            return Some(0.0);
        }
        // New photos above must not push away what is looked at; at the very top they should be seen.
        let (hash, below) = self.anchor.filter(|_| !is_first && self.offset > measures.row_height)?;
        let rect = self.layout.rect(answer.position(&hash)?)?;
        Some((rect.top() + below).max(0.0))
    }

    fn scroll_ui(&mut self, cx: &Cx<'_>, jump: Option<f32>, ui: &mut Ui) {
        let mut area = ScrollArea::vertical().id_salt("grid").auto_shrink(false);
        if let Some(offset) = jump {
            area = area.vertical_scroll_offset(offset);
        }
        let output = area.show_viewport(ui, |ui, viewport| {
            // Room for the frame around a chosen photo of the first row.
            let origin = ui.min_rect().min + vec2(0.0, TOP);
            ui.set_min_size(vec2(ui.available_width(), self.layout.height + space::L));
            self.follow_selection(cx, origin, ui);
            self.marquee_ui(cx, origin, ui);
            for row in self.layout.visible(viewport.top(), viewport.bottom()) {
                self.row_ui(cx, row, origin, ui);
            }
            // One screen ahead is decoded before it is scrolled to.
            for row in self.layout.visible(viewport.bottom(), viewport.bottom() + viewport.height() * 0.5) {
                self.ask_ahead(cx, row);
            }
        });
        self.offset = output.state.clamped_offset().y;
        self.anchor = self.layout.photo_at(self.offset).and_then(|photo| {
            let top = self.layout.rect(photo)?.top();
            Some((cx.state.answer.entry(photo)?.hash, self.offset - top))
        });
    }

    /// Scrolls to the chosen photo when another one was chosen.
    fn follow_selection(&mut self, cx: &Cx<'_>, origin: Pos2, ui: &Ui) {
        let before = std::mem::replace(&mut self.chosen, cx.state.selection.cursor());
        if before == self.chosen || before.is_none() {
            return;
        }
        if let Some(rect) = self.chosen.and_then(|photo| self.layout.rect(photo)) {
            let rect = rect.translate(origin.to_vec2()).expand2(vec2(0.0, space::L));
            ui.scroll_to_rect_animation(rect, None, egui::style::ScrollAnimation::none());
        }
    }

    fn row_ui(&self, cx: &Cx<'_>, row: &Row, origin: Pos2, ui: &mut Ui) {
        match &row.content {
            RowContent::Heading(section) => {
                let width = ui.available_width() - space::M;
                let rect = Rect::from_min_size(origin + vec2(0.0, row.top), vec2(width, row.height));
                if let Some(section) = cx.state.answer.sections.get(*section) {
                    heading_ui(section, rect, ui);
                }
            }
            RowContent::Photos(photos) => {
                for photo in photos.clone() {
                    let hit = cx.state.answer.hits.get(photo).zip(cx.state.answer.entry(photo));
                    if let (Some(rect), Some((hit, entry))) = (self.layout.cell(row, photo), hit) {
                        let cell = Cell { index: photo, hit, entry, rect: rect.translate(origin.to_vec2()) };
                        cell.ui(cx, ui);
                    }
                }
            }
        }
    }

    fn ask_ahead(&self, cx: &Cx<'_>, row: &Row) {
        if let RowContent::Photos(photos) = &row.content {
            for entry in photos.clone().filter_map(|photo| cx.state.answer.entry(photo)) {
                cx.thumbnail(entry);
            }
        }
    }

    /// A frame that is drawn from between the photos chooses those that it touches.
    fn marquee_ui(&mut self, cx: &Cx<'_>, origin: Pos2, ui: &Ui) {
        let response = ui.interact(ui.clip_rect(), ui.scope_id().with("marquee"), Sense::click_and_drag());
        let pointer = response.interact_pointer_pos().map(|position| position - origin.to_vec2());
        if response.drag_started_by(egui::PointerButton::Primary) {
            let pressed = ui.input(|input| input.pointer.press_origin());
            self.marquee = pressed.map(|position| position - origin.to_vec2());
        }
        let Some((from, to)) = self.marquee.zip(pointer) else {
            self.marquee = None;
            return;
        };
        let frame = Rect::from_two_pos(from, to);
        let tokens = theme::tokens(ui);
        let painter = ui.ctx().layer_painter(egui::LayerId::new(egui::Order::Middle, ui.scope_id().with("marquee")));
        let shown = frame.translate(origin.to_vec2()).intersect(ui.clip_rect());
        let fill = tokens.accent.gamma_multiply(0.15);
        painter.rect(shown, radius::S, fill, Stroke::new(1.0, tokens.accent), StrokeKind::Inside);
        if response.drag_stopped() {
            self.marquee = None;
            let beside = if ui.input(|input| input.modifiers.command) { Beside::Others } else { Beside::None };
            cx.send(Command::SelectThese(self.layout.within(frame), beside));
        }
    }

    /// Arrows, pages, home, end, enter: unless words are typed. Shift draws a range.
    fn keys(&self, cx: &Cx<'_>, ui: &Ui) {
        let Some(chosen) = cx.state.selection.cursor() else { return };
        if super::is_typing(cx, ui) {
            return;
        }
        let page = (ui.available_height() / (cx.state.row_height + space::S)).floor().max(1.0) as usize;
        let last = cx.state.answer.hits.len() - 1;
        let steps = |from: usize, step: isize, times: usize| {
            (0..times).fold(from, |at, _| self.layout.neighbour(at, step).unwrap_or(at))
        };
        let pressed = |key: Key| ui.input(|input| input.key_pressed(key));
        let target = match () {
            () if pressed(Key::ArrowRight) => Some((chosen + 1).min(last)),
            () if pressed(Key::ArrowLeft) => Some(chosen.saturating_sub(1)),
            () if pressed(Key::ArrowDown) => Some(steps(chosen, 1, 1)),
            () if pressed(Key::ArrowUp) => Some(steps(chosen, -1, 1)),
            () if pressed(Key::PageDown) => Some(steps(chosen, 1, page)),
            () if pressed(Key::PageUp) => Some(steps(chosen, -1, page)),
            () if pressed(Key::Home) => Some(0),
            () if pressed(Key::End) => Some(last),
            () => None,
        };
        let is_range = ui.input(|input| input.modifiers.shift);
        match target {
            Some(photo) if is_range => cx.send(Command::SelectTo(photo)),
            Some(photo) => cx.send(Command::Select(photo)),
            None if pressed(Key::Plus) || pressed(Key::Equals) => {
                cx.send(Command::Look(LookChange::RowHeight(cx.state.row_height * 1.2)))
            }
            None if pressed(Key::Minus) => cx.send(Command::Look(LookChange::RowHeight(cx.state.row_height / 1.2))),
            None if pressed(Key::Enter) || pressed(Key::Space) => cx.send(Command::OpenViewer(chosen)),
            None => {}
        }
    }
}

fn shape(entry: Option<&Entry>) -> f32 {
    entry.map_or(1.0, |entry| entry.photo.width as f32 / entry.photo.height as f32)
}

fn heading_ui(section: &Section, rect: Rect, ui: &Ui) {
    let tokens = theme::tokens(ui);
    let painter = ui.painter();
    let middle = rect.center().y;
    let name = section.name.as_deref().unwrap_or_default();
    let name = painter.text(pos2(rect.left(), middle), Align2::LEFT_CENTER, name, font::heading(), tokens.text);
    let count = text::photos(section.count);
    let place = pos2(name.right() + space::M, middle);
    let count = painter.text(place, Align2::LEFT_CENTER, count, font::small(), tokens.muted);
    let line = (count.right() + space::M)..=rect.right();
    painter.hline(line, middle.round() + 0.5, Stroke::new(1.0, tokens.line));
}

/// One photo of the grid.
struct Cell<'a> {
    index: usize,
    hit: &'a Hit,
    entry: &'a Entry,
    rect: Rect,
}

impl Cell<'_> {
    fn ui(&self, cx: &Cx<'_>, ui: &mut Ui) {
        let tokens = theme::tokens(ui);
        let id = ui.scope_id().with(("photo", self.index));
        let response = ui.interact(self.rect, id, Sense::click());
        let thumbnail = cx.thumbnail_for(self.entry, self.rect.size(), ui.ctx());
        let picture = vec2(self.entry.photo.width as f32, self.entry.photo.height as f32);
        widgets::paint_thumbnail(ui.painter(), tokens, &thumbnail, self.rect, picture);
        let is_chosen = cx.state.selection.contains(self.index);
        if is_chosen {
            let corner = CornerRadius::same(radius::M);
            let around = self.rect.expand(2.0);
            ui.painter().rect_stroke(around, corner, Stroke::new(2.0, tokens.accent), StrokeKind::Middle);
        }
        if is_chosen && cx.state.selection.len() > 1 {
            self.check_ui(ui);
        }
        if !self.hit.cosines.is_empty() {
            self.score_ui(ui);
        }
        self.marks_ui(ui);
        let name = text::name(&self.entry.path);
        response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, is_chosen, &name));
        if response.double_clicked() {
            cx.send(Command::OpenViewer(self.index));
        } else if response.clicked() {
            let modifiers = ui.input(|input| input.modifiers);
            cx.send(match () {
                () if modifiers.shift => Command::SelectTo(self.index),
                () if modifiers.command => Command::ToggleSelect(self.index),
                () => Command::Select(self.index),
            });
        }
        if response.secondary_clicked() && !is_chosen {
            cx.send(Command::Select(self.index));
        }
        response.context_menu(|ui| super::photo_menu::photo_menu_ui(cx, self.index, ui));
        response.on_hover_ui_at_pointer(|ui| {
            ui.label(self.tooltip(&name));
        });
    }

    fn score_ui(&self, ui: &Ui) {
        let painter = ui.painter();
        let score = text::decimal(self.hit.score, 2);
        let galley = painter.layout_no_wrap(score, font::caption(), theme::ON_BADGE);
        let size = galley.size() + vec2(10.0, 4.0);
        let badge = Rect::from_min_size(self.rect.right_bottom() - size - vec2(5.0, 5.0), size);
        painter.rect_filled(badge, radius::S, theme::BADGE);
        painter.galley(badge.center() - galley.size() / 2.0, galley, theme::ON_BADGE);
    }

    /// Chosen among several.
    fn check_ui(&self, ui: &Ui) {
        let tokens = theme::tokens(ui);
        let center = self.rect.left_top() + vec2(13.0, 13.0);
        ui.painter().circle_filled(center, 9.0, tokens.accent);
        ui.painter().text(center, Align2::CENTER_CENTER, icons::CHECK, font::small(), tokens.on_accent);
    }

    /// What the person says of it: at the left, so that scores stay where they are.
    fn marks_ui(&self, ui: &Ui) {
        let mut words = String::new();
        if self.entry.is_favourite {
            words.push_str(icons::HEART);
        }
        if self.entry.rating > 0 {
            words.push_str(&format!(" {}{}", self.entry.rating, icons::STAR));
        }
        if words.is_empty() {
            return;
        }
        let painter = ui.painter();
        let galley = painter.layout_no_wrap(words.trim().to_owned(), font::caption(), theme::ON_BADGE);
        let size = galley.size() + vec2(10.0, 4.0);
        let badge = Rect::from_min_size(self.rect.left_bottom() + vec2(5.0, -5.0 - size.y), size);
        painter.rect_filled(badge, radius::S, theme::BADGE);
        painter.galley(badge.center() - galley.size() / 2.0, galley, theme::ON_BADGE);
    }

    fn tooltip(&self, name: &str) -> String {
        match (self.hit.cosines.is_empty(), self.hit.band) {
            (true, _) => format!("{name}\n{}", text::date(self.entry.date())),
            (false, None) => tr_with("{}\nsimilarity {} (cosine)", &[name, &text::decimal(self.hit.score, 3)]),
            (false, Some(band)) => {
                let (score, band) = (text::decimal(self.hit.score, 3), band_name(band).to_lowercase());
                tr_with("{}\nsimilarity {} (cosine): {} among your photos", &[name, &score, &band])
            }
        }
    }
}

//! The map of the library: every photo is a point, near to those it is like. Points become photos when one comes closer;
//! a line drawn around some shows them in the grid.

use std::sync::Arc;

use egui::vec2;
use egui::{Align2, CentralPanel, Frame, Margin, Painter, Pos2, Rect, RichText, Sense, Shape, Stroke, Ui, Vec2};
use sightline_core::engine::MapReport;
use sightline_core::search::{PhotoMap, PhotoSet};

use super::{Cx, Panel};
use crate::gui::command::{Command, Errand};
use crate::gui::points::{self, PointsLook};
use crate::gui::state::{Page, Picked};
use crate::gui::textures::Thumbnail;
use crate::gui::theme::{self, Tokens, font, size, space};
use crate::gui::translate::{tr, tr_with};
use crate::gui::{graphics, icons, text, widgets};

/// See the module.
pub struct Map {
    /// The middle of what is shown, and how many points on the screen one of the map is wide, as a factor of all of it.
    middle: Vec2,
    scale: f32,
    /// The line around photos that is being drawn, in places of the map.
    lasso: Vec<Vec2>,
}

impl Default for Map {
    fn default() -> Self {
        Self { middle: Vec2::ZERO, scale: 1.0, lasso: Vec::new() }
    }
}

/// With no more photos in sight than this they are shown as pictures.
const PICTURES: usize = 500;
/// The largest and the smallest side of such a picture.
const PICTURE: f32 = 64.0;
const SMALLEST: f32 = 22.0;
/// What of a photo's share of the plane its point covers, chosen by eye: a few photos are to be seen as well as many.
const COVERED: f32 = 0.022;
/// The closest view.
const CLOSEST: f32 = 400.0;

impl Panel for Map {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        if cx.state.page != Page::Map {
            return;
        }
        let tokens = theme::tokens(ui);
        let frame = Frame::new().fill(tokens.background).inner_margin(Margin::same(space::M as i8));
        CentralPanel::default().frame(frame).show(ui, |ui| {
            self.bar_ui(cx, ui);
            let Some(report) = &cx.state.map.report else {
                waiting_ui(cx, ui);
                return;
            };
            let (room, response) = ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, tr("Map of the library")));
            let live = cx.state.map.live.as_ref().map(|live| live.load_full());
            let map = live.as_ref().unwrap_or(&report.map);
            let places = map.places.as_slice();
            let view = View { room, middle: self.middle, scale: self.scale };
            self.photos_ui(cx, (report, map), view, ui);
            names_ui(report, view, ui);
            self.pointer(cx, (report, places), (view, &response), ui);
        });
    }
}

/// From the map to the screen and back.
#[derive(Clone, Copy)]
struct View {
    room: Rect,
    middle: Vec2,
    scale: f32,
}

impl View {
    fn unit(&self) -> f32 {
        self.room.size().min_elem() * 0.44 * self.scale
    }

    fn on_screen(&self, place: Vec2) -> Pos2 {
        let offset = (place - self.middle) * self.unit();
        self.room.center() + vec2(offset.x, -offset.y)
    }

    fn on_map(&self, position: Pos2) -> Vec2 {
        let offset = (position - self.room.center()) / self.unit();
        self.middle + vec2(offset.x, -offset.y)
    }
}

impl Map {
    fn bar_ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        ui.horizontal(|ui| {
            ui.set_height(size::CONTROL);
            let tokens = theme::tokens(ui);
            ui.label(RichText::new(tr("Map of the library")).font(font::title()).color(tokens.text));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                self.tools_ui(cx, ui);
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    let hint = tr("Wheel: closer. Drag: move. Shift and drag: draw a line around photos to see them.");
                    let hint = RichText::new(hint).font(font::small()).color(tokens.muted);
                    ui.add(egui::Label::new(hint).truncate());
                });
            });
        });
    }

    fn tools_ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        if let Some(progress) = cx.state.map.progress {
            if widgets::icon_button(ui, icons::STOP, tr("Stop refining the map"), false).clicked() {
                cx.send(Command::StopErrand(Errand::Map));
            }
            let fraction = (progress.total > 0).then(|| progress.done as f32 / progress.total as f32);
            let (accent, bar) = (theme::tokens(ui).accent, vec2(size::PROGRESS.0, size::PROGRESS.1));
            widgets::progress_bar(ui, tr("Map"), fraction, accent, bar);
        } else if widgets::button(ui, widgets::Kind::Quiet, icons::REFRESH, tr("Draw anew")).clicked() {
            cx.send(Command::DrawMap);
        }
        if widgets::button(ui, widgets::Kind::Quiet, icons::FIT, tr("All of it")).clicked() {
            (self.middle, self.scale) = (Vec2::ZERO, 1.0);
        }
    }

    fn photos_ui(&self, cx: &Cx<'_>, (report, map): (&MapReport, &Arc<PhotoMap>), view: View, ui: &Ui) {
        let painter = ui.painter().with_clip_rect(view.room);
        let sight = view.room.expand(PICTURE / 2.0);
        let on_screen = |place: &[f32; 2]| view.on_screen(vec2(place[0], place[1]));
        let seen = map.places.iter().map(on_screen).enumerate().filter(|(_, position)| sight.contains(*position));
        let seen: Vec<(usize, Pos2)> = seen.take(PICTURES + 1).collect();
        if seen.len() <= PICTURES {
            // As large as they can be without hiding each other much.
            let side = (0.3 * view.room.area() / seen.len().max(1) as f32).sqrt().clamp(SMALLEST, PICTURE);
            for (point, position) in seen {
                let rect = Rect::from_center_size(position, Vec2::splat(side));
                picture_ui(cx, (report, point), rect, (&painter, theme::tokens(ui)));
            }
            return;
        }
        if !graphics::is_installed(ui.ctx()) {
            let words = tr("The points need a graphics card; come closer to see photos");
            let muted = theme::tokens(ui).muted;
            painter.text(view.room.center_bottom(), Align2::CENTER_BOTTOM, words, font::small(), muted);
            return;
        }
        let share = (2.0 * view.unit()).powi(2) / map.places.len() as f32;
        let side = (COVERED * share).sqrt().clamp(size::POINT.0, size::POINT.1);
        let color = theme::tokens(ui).accent.gamma_multiply(0.75);
        let look = PointsLook { middle: view.middle, unit: view.unit(), side, color };
        painter.add(points::shape(map, look, view.room));
    }

    fn pointer(
        &mut self,
        cx: &Cx<'_>,
        (report, places): (&MapReport, &[[f32; 2]]),
        (view, response): (View, &egui::Response),
        ui: &Ui,
    ) {
        self.lasso(cx, (report, places), (view, response), ui);
        if self.lasso.is_empty() && response.dragged() {
            let moved = response.drag_delta() / view.unit();
            self.middle -= vec2(moved.x, -moved.y);
        }
        let Some(pointer) = response.hover_pos() else { return };
        let (wheel, pinch) = ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
        let factor = (wheel / 240.0).exp() * pinch;
        if (factor - 1.0).abs() > 1e-4 {
            let under = view.on_map(pointer);
            let scale = (self.scale * factor).clamp(0.8, CLOSEST);
            // What is under the pointer stays there.
            self.middle = under + (self.middle - under) * (self.scale / scale);
            self.scale = scale;
        }
        if let Some(point) = response.clicked().then(|| nearest(places, view, pointer)).flatten() {
            let entry = report.entry(point as u32).and_then(|entry| report.snapshot.entries.get(entry as usize));
            if let Some(entry) = entry {
                show(cx, std::iter::once(entry.hash).collect());
            }
        }
    }

    /// A line that is drawn around photos; they are shown when it is closed.
    fn lasso(
        &mut self,
        cx: &Cx<'_>,
        (report, places): (&MapReport, &[[f32; 2]]),
        (view, response): (View, &egui::Response),
        ui: &Ui,
    ) {
        let is_drawing = !self.lasso.is_empty() || ui.input(|input| input.modifiers.shift);
        if let Some(pointer) = response.interact_pointer_pos().filter(|_| is_drawing && response.dragged()) {
            self.lasso.push(view.on_map(pointer));
        }
        let line: Vec<Pos2> = self.lasso.iter().map(|place| view.on_screen(*place)).collect();
        if line.len() > 1 {
            ui.painter().add(Shape::closed_line(line, Stroke::new(1.5, theme::tokens(ui).accent)));
        }
        if !response.drag_stopped() || self.lasso.is_empty() {
            return;
        }
        let lasso = std::mem::take(&mut self.lasso);
        let inside = |place: &[f32; 2]| is_inside(&lasso, vec2(place[0], place[1]));
        let rows = places.iter().enumerate().filter(|(_, place)| inside(place)).map(|(point, _)| point as u32);
        let entries = rows.filter_map(|point| report.snapshot.entries.get(report.entry(point)? as usize));
        let photos: PhotoSet = entries.map(|entry| entry.hash).collect();
        if !photos.is_empty() {
            show(cx, photos);
        }
    }
}

fn show(cx: &Cx<'_>, photos: PhotoSet) {
    let name = tr_with("{} of the map", &[&text::photos(photos.len())]);
    cx.send(Command::ShowPicked(Picked { photos: Arc::new(photos), name }));
}

/// The point that is nearest to the pointer, if it is under it.
fn nearest(places: &[[f32; 2]], view: View, pointer: Pos2) -> Option<usize> {
    let distance = |place: &[f32; 2]| view.on_screen(vec2(place[0], place[1])).distance(pointer);
    let (point, near) = places.iter().map(distance).enumerate().min_by(|a, b| a.1.total_cmp(&b.1))?;
    (near < PICTURE / 2.0).then_some(point)
}

/// Whether a place is inside of a closed line: a ray to the right crosses it an odd number of times.
fn is_inside(line: &[Vec2], place: Vec2) -> bool {
    let mut is_inside = false;
    for (i, a) in line.iter().enumerate() {
        let b = line[(i + 1) % line.len()];
        let is_between = (a.y > place.y) != (b.y > place.y);
        if is_between && place.x < (b.x - a.x) * (place.y - a.y) / (b.y - a.y) + a.x {
            is_inside = !is_inside;
        }
    }
    is_inside
}

fn picture_ui(cx: &Cx<'_>, (report, point): (&MapReport, usize), rect: Rect, (painter, tokens): (&Painter, &Tokens)) {
    let entry = report.entry(point as u32).and_then(|entry| report.snapshot.entries.get(entry as usize));
    if let Some(entry) = entry {
        let picture = vec2(entry.photo.width as f32, entry.photo.height as f32);
        match cx.thumbnail(entry) {
            // A place holder would hide its neighbours.
            Thumbnail::Waiting => {
                painter.circle_filled(rect.center(), 2.5, tokens.accent);
            }
            thumbnail => widgets::paint_thumbnail(painter, tokens, &thumbnail, rect, picture),
        }
    }
}

/// What clumps show, where there is room for the words.
fn names_ui(report: &MapReport, view: View, ui: &Ui) {
    let painter = ui.painter().with_clip_rect(view.room);
    let mut taken: Vec<Rect> = Vec::new();
    for cluster in &report.clusters {
        let Some(word) = cluster.words.first() else { continue };
        let center = view.on_screen(vec2(cluster.place[0], cluster.place[1]));
        let galley = painter.layout_no_wrap(word.clone(), font::heading(), theme::ON_BADGE);
        let place = Rect::from_center_size(center, galley.size() + vec2(12.0, 6.0));
        if !view.room.contains_rect(place) || taken.iter().any(|other| other.intersects(place)) {
            continue;
        }
        painter.rect_filled(place, theme::radius::S, theme::BADGE);
        painter.galley(place.center() - galley.size() / 2.0, galley, theme::ON_BADGE);
        taken.push(place);
    }
}

fn waiting_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let words = match cx.state.map.progress {
        Some(progress) if !progress.phase.is_empty() => format!("{} …", tr(progress.phase)),
        Some(_) => tr("Drawing the map …").to_owned(),
        None => tr("There is no map yet").to_owned(),
    };
    let muted = theme::tokens(ui).muted;
    let center = ui.available_rect_before_wrap().center();
    ui.painter().text(center, Align2::CENTER_CENTER, words, font::body(), muted);
}

#[cfg(test)]
mod tests {
    use egui::pos2;

    use super::*;

    fn view(scale: f32) -> View {
        View { room: Rect::from_min_size(pos2(10.0, 20.0), vec2(400.0, 300.0)), middle: vec2(0.2, -0.1), scale }
    }

    #[test]
    fn the_screen_and_the_map_agree() {
        for scale in [1.0, 7.5] {
            let place = vec2(-0.3, 0.45);
            assert!((view(scale).on_map(view(scale).on_screen(place)) - place).length() < 1e-5);
        }
    }

    #[test]
    fn a_line_holds_what_is_inside_of_it() {
        let corner = [vec2(0.0, 0.0), vec2(2.0, 0.0), vec2(2.0, 1.0), vec2(1.0, 1.0), vec2(1.0, 2.0), vec2(0.0, 2.0)];
        assert!(is_inside(&corner, vec2(0.5, 1.5)) && is_inside(&corner, vec2(1.5, 0.5)));
        assert!(!is_inside(&corner, vec2(1.5, 1.5)) && !is_inside(&corner, vec2(-0.1, 0.5)));
        assert!(!is_inside(&[], vec2(0.0, 0.0)));
    }
}

//! The part that is looked at: its picture, the map over it, regions, and beside it or in turns the nearest good part.

use egui::{Align2, Color32, Painter, Rect, Response, Sense, Shape, Stroke, StrokeKind, Ui, Vec2, pos2, vec2};
use sightline_core::anomaly::{Region, Verdict};

use super::controls;
use super::pixels::{Detail, Pixels};
use super::roi::DrawnRoi;
use crate::gui::graphics;
use crate::gui::heatmap::{self, HeatLook};
use crate::gui::panels::Cx;
use crate::gui::panels::viewer::Canvas;
use crate::gui::state::{Beside, Heat, LargePart, Loaded, Nearest, PartMap, Picture, Zoom};
use crate::gui::theme::{self, font, radius, space};
use crate::gui::translate::{tr, tr_with};
use crate::gui::{text, widgets};

/// See the module.
#[derive(Default)]
pub struct LargeView {
    zoom: Zoom,
    moved: Vec2,
    /// What is on the graphics card.
    pub pixels: Pixels,
    /// The place under the pointer, in fractions of the part's sides.
    pub pointed: Option<[f32; 2]>,
    roi: DrawnRoi,
}

/// A turn of the wheel by so many points comes closer by a factor of e.
const WHEEL_POINTS: f32 = 240.0;
/// Each of the two pictures is shown for so many seconds in turns.
const BLINK: f64 = 0.6;
/// The height of the words under a picture.
const CAPTION: f32 = 18.0;
/// So many regions say how high they are.
const LABELLED: usize = 6;

impl LargeView {
    /// Lets go of what is on the graphics card.
    pub fn forget(&mut self) {
        self.pixels.forget();
        self.pointed = None;
    }

    /// The region of interest that is drawn.
    pub fn roi_mut(&mut self) -> &mut DrawnRoi {
        &mut self.roi
    }

    /// One pixel for one, or all of it.
    pub fn toggle_zoom(&mut self) {
        self.zoom = if self.zoom == Zoom::Fit { Zoom::ACTUAL } else { Zoom::Fit };
        self.moved = Vec2::ZERO;
    }

    /// Whether all of the part is shown.
    pub fn is_whole(&self) -> bool {
        self.zoom == Zoom::Fit
    }

    /// The view and the line under it.
    pub fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        self.roi.bar_ui(cx, ui);
        let Some(large) = &cx.state.inspection.large else {
            let words = tr("Choose a part in the list");
            let muted = theme::tokens(ui).muted;
            let middle = ui.available_rect_before_wrap().center();
            ui.painter().text(middle, Align2::CENTER_CENTER, words, font::body(), muted);
            return;
        };
        let height = controls::height(ui.available_width());
        let size = (ui.available_size() - vec2(0.0, height)).max(vec2(40.0, 40.0));
        let (room, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
        let label = tr_with("Part {}", &[&text::name(&large.path)]);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &label));
        self.large_ui(cx, large, (room, &response), ui);
        controls::controls_ui(cx, self, ui);
    }

    fn large_ui(&mut self, cx: &Cx<'_>, large: &LargePart, (room, response): (Rect, &Response), ui: &mut Ui) {
        self.pointed = None;
        let picture = match &large.picture {
            Loaded::Ready(picture) => picture,
            Loaded::Waiting => return waiting_ui(cx, large, room, ui),
            Loaded::Failed(reason) => return widgets::picture_failed(reason, room, ui),
        };
        let nearest = large.nearest.as_ref();
        if let (Beside::Blink, Some(nearest)) = (cx.state.inspection.beside, nearest) {
            // Both stay on the graphics card, so that a turn costs no upload.
            self.pixels.texture(&large.path, picture, self.detail(), ui.ctx());
            self.pixels.texture(&nearest.path, &nearest.picture, self.detail(), ui.ctx());
        }
        let mut part_room = room;
        match (cx.state.inspection.beside, nearest) {
            (Beside::Side, _) => {
                let (left, right) = halves(room);
                part_room = left;
                caption_ui(tr("this part"), left, ui);
                self.side_ui(nearest, right, ui);
            }
            (Beside::Blink, Some(nearest)) if self.is_other_turn(ui) => {
                self.good_ui(nearest, room, ui);
                badge_ui(tr("nearest good part"), room, ui);
                return;
            }
            (Beside::Blink, _) => badge_ui(tr("this part"), room, ui),
            (Beside::Alone, _) => {}
        }
        let canvas = self.canvas(picture, part_room, ui);
        let texture = self.pixels.texture(&large.path, picture, self.detail(), ui.ctx());
        ui.painter().with_clip_rect(part_room).add(canvas.mesh(texture));
        if let Some(map) = &large.map {
            map_ui(cx, map, (&canvas, picture, part_room), ui);
        }
        if let Some(error) = &large.map_error {
            badge_ui(error, part_room, ui);
        }
        let is_drawing = self.roi.ui(cx, (&canvas, part_room), response, ui);
        self.pointer((&canvas, response), is_drawing, ui);
        self.hover_ui(large, (&canvas, part_room), response, ui);
        if cx.state.inspection.beside == Beside::Blink {
            badge_ui(tr("this part"), room, ui);
        }
    }

    fn canvas(&mut self, picture: &Picture, room: Rect, ui: &Ui) -> Canvas {
        let pixels = vec2(picture.size.0 as f32, picture.size.1 as f32);
        let canvas = Canvas::new(room, pixels, ui.ctx().pixels_per_point(), (self.zoom, 0, self.moved));
        self.moved = canvas.moved();
        canvas
    }

    fn detail(&self) -> Detail {
        if self.zoom == Zoom::Fit { Detail::Reduced } else { Detail::Full }
    }

    /// Whether it is the good part's turn to be shown.
    fn is_other_turn(&self, ui: &Ui) -> bool {
        let time = ui.input(|input| input.time);
        let rest = BLINK - time % BLINK;
        ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64(rest + 0.005));
        (time / BLINK) as u64 % 2 == 1
    }

    fn side_ui(&mut self, nearest: Option<&Nearest>, room: Rect, ui: &mut Ui) {
        match nearest {
            Some(nearest) => {
                self.good_ui(nearest, room, ui);
                caption_ui(tr("nearest good part, same place and zoom"), room, ui);
            }
            None => {
                let muted = theme::tokens(ui).muted;
                let words = tr("Looking for the nearest good part …");
                ui.painter().text(room.center(), Align2::CENTER_CENTER, words, font::small(), muted);
            }
        }
    }

    /// The nearest good part at the same place and zoom.
    fn good_ui(&mut self, nearest: &Nearest, room: Rect, ui: &Ui) {
        let moved = self.moved;
        let canvas = self.canvas(&nearest.picture, room, ui);
        self.moved = moved;
        let texture = self.pixels.texture(&nearest.path, &nearest.picture, self.detail(), ui.ctx());
        ui.painter().with_clip_rect(room).add(canvas.mesh(texture));
    }

    /// The wheel comes closer, dragging moves, a double click shows one pixel for one or all of it.
    fn pointer(&mut self, (canvas, response): (&Canvas, &Response), is_drawing: bool, ui: &Ui) {
        if !is_drawing {
            self.moved += response.drag_delta();
            if response.double_clicked() {
                self.toggle_zoom();
                return;
            }
        }
        let Some(pointer) = response.hover_pos() else { return };
        let (wheel, pinch) = ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
        let factor = (wheel / WHEEL_POINTS).exp() * pinch;
        if (factor - 1.0).abs() > 1e-4 {
            (self.zoom, self.moved) = canvas.closer(self.zoom, factor, pointer);
        }
    }

    /// The raw score under the pointer.
    fn hover_ui(&mut self, large: &LargePart, (canvas, room): (&Canvas, Rect), response: &Response, ui: &Ui) {
        let pointer = response.hover_pos().filter(|at| room.contains(*at) && canvas.shown.contains(*at));
        let (Some(pointer), Some(map)) = (pointer, &large.map) else { return };
        let place = canvas.in_photo(pointer);
        self.pointed = Some([place.x, place.y]);
        let Some(score) = map.score(place.x, place.y) else { return };
        label_ui(&text::decimal(score, 3), pointer + vec2(12.0, -14.0), Align2::LEFT_BOTTOM, ui.painter());
    }
}

/// The map and the regions of a part.
fn map_ui(cx: &Cx<'_>, map: &PartMap, (canvas, picture, room): (&Canvas, &Picture, Rect), ui: &Ui) {
    let inspection = &cx.state.inspection;
    let Some(calibration) = &inspection.calibration else { return };
    let heat: &Heat = &inspection.heat;
    let painter = ui.painter().with_clip_rect(room);
    if heat.is_shown {
        let scale = calibration.colours;
        let look = HeatLook { scale, floor: heat.floor(scale), opacity: heat.opacity, table: heat.table };
        let shape = heatmap::shape(&map.texels, look, (canvas.shown, room), ui.ctx().pixels_per_point());
        shape.into_iter().for_each(|shape| {
            painter.add(shape);
        });
        if !graphics::is_installed(ui.ctx()) {
            badge_ui(tr("The heatmap needs a graphics card; outlines show the regions"), room, ui);
        }
    }
    let size = vec2(picture.size.0.max(1) as f32, picture.size.1.max(1) as f32);
    let on_screen = |x: u32, y: u32| canvas.point(pos2(x as f32 / size.x, y as f32 / size.y));
    let chosen = inspection.parts.chosen();
    let has_passed = chosen.is_none_or(|part| Verdict::of(part.score, calibration) == Verdict::Pass);
    for (place, region) in map.regions(has_passed).iter().enumerate() {
        if heat.has_outlines {
            let outline = region.outline.iter().map(|corner| on_screen(corner[0], corner[1])).collect();
            painter.add(Shape::closed_line(outline, Stroke::new(1.5, theme::REGION)));
        }
        let corner = on_screen(region.x + region.width, region.y + region.height);
        region_box_ui((region, place), Rect::from_two_pos(on_screen(region.x, region.y), corner), heat, &painter);
    }
}

fn region_box_ui((region, place): (&Region, usize), on_screen: Rect, heat: &Heat, painter: &Painter) {
    if heat.has_boxes {
        let frame = on_screen.expand(2.0);
        painter.rect_stroke(frame, radius::S, Stroke::new(3.0, Color32::from_black_alpha(140)), StrokeKind::Outside);
        painter.rect_stroke(frame, radius::S, Stroke::new(1.5, Color32::WHITE), StrokeKind::Outside);
    }
    if (heat.has_boxes || heat.has_outlines) && place < LABELLED {
        let at = on_screen.center_top() - vec2(0.0, 6.0);
        label_ui(&text::decimal(region.peak, 2), at, Align2::CENTER_BOTTOM, painter);
    }
}

/// A score on the picture.
fn label_ui(words: &str, at: egui::Pos2, align: Align2, painter: &Painter) {
    let galley = painter.layout_no_wrap(words.to_owned(), font::group(), theme::ON_BADGE);
    let rect = align.anchor_size(at, galley.size() + vec2(10.0, 4.0));
    painter.rect_filled(rect, radius::S, theme::BADGE);
    painter.galley(rect.min + vec2(5.0, 2.0), galley, theme::ON_BADGE);
}

/// Words in the upper left corner of a picture.
fn badge_ui(words: &str, room: Rect, ui: &Ui) {
    let painter = ui.painter();
    let job = egui::text::LayoutJob::simple(words.to_owned(), font::small(), theme::ON_BADGE, room.width() - 40.0);
    let galley = painter.layout_job(job);
    let rect = Rect::from_min_size(room.min + vec2(space::S, space::S), galley.size() + vec2(12.0, 8.0));
    painter.rect_filled(rect, radius::S, theme::BADGE);
    painter.galley(rect.min + vec2(6.0, 4.0), galley, theme::ON_BADGE);
}

fn caption_ui(words: &str, room: Rect, ui: &Ui) {
    let muted = theme::tokens(ui).muted;
    let at = pos2(room.left(), room.bottom() + CAPTION / 2.0);
    ui.painter().text(at, Align2::LEFT_CENTER, words, font::caption(), muted);
}

/// Two pictures beside each other, or one under the other where that gives them more room, each with words under it.
fn halves(room: Rect) -> (Rect, Rect) {
    let cut = |rect: Rect| rect.with_max_y(rect.bottom() - CAPTION);
    if room.width() > 1.1 * room.height() {
        let (left, right) = room.split_left_right_at_fraction(0.5);
        (cut(left.with_max_x(left.right() - space::XS)), cut(right.with_min_x(right.left() + space::XS)))
    } else {
        let (top, bottom) = room.split_top_bottom_at_fraction(0.5);
        (cut(top), cut(bottom))
    }
}

/// The thumbnail, as large as the part will be: it is there at once.
fn waiting_ui(cx: &Cx<'_>, large: &LargePart, room: Rect, ui: &mut Ui) {
    let chosen = cx.state.inspection.parts.chosen();
    let size = chosen.and_then(|part| part.judgement.as_ref()).map_or((3, 2), |judgement| judgement.sight.size);
    let pixels = vec2(size.0 as f32, size.1 as f32);
    let canvas = Canvas::new(room, pixels, ui.ctx().pixels_per_point(), (Zoom::Fit, 0, Vec2::ZERO));
    let thumbnail = cx.file_thumbnail(&large.path);
    widgets::paint_thumbnail(ui.painter(), theme::tokens(ui), &thumbnail, canvas.shown, pixels);
}

//! The chips of the query: what each is about, how much it counts, and what can be done with it.

use egui::{Align, Color32, Frame, Layout, Margin, Popup, PopupCloseBehavior, Rect, Response, RichText, ScrollArea};
use egui::{Sense, Slider, Stroke, Ui, pos2, vec2};
use sightline_core::engine::Region;
use sightline_core::index::Entry;

use super::Cx;
use crate::gui::command::{ChipEdit, Command};
use crate::gui::state::{Chip, Sign};
use crate::gui::theme::{self, font, radius, space};
use crate::gui::translate::{tr, tr_with};
use crate::gui::{icons, textures, widgets};

/// The height of a chip.
const HEIGHT: f32 = 24.0;
/// The bar that shows how much a chip counts.
const WEIGHT_BAR: (f32, f32) = (22.0, 3.0);
/// What fills that bar.
const FULL_WEIGHT: f32 = 2.0;
/// Room that stays for typing, however many chips there are.
const TYPING_ROOM: f32 = 200.0;

/// All chips in one line; those that find no room are scrolled to.
pub fn chips_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let chips = &cx.state.query.chips;
    if chips.is_empty() {
        return;
    }
    let room = (ui.available_width() - TYPING_ROOM).max(80.0);
    let area = ScrollArea::horizontal().id_salt("chips").max_width(room).auto_shrink(true);
    area.scroll_bar_visibility(egui::scroll_area::ScrollBarVisibility::AlwaysHidden).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.set_height(HEIGHT);
            for (place, chip) in chips.iter().enumerate() {
                chip_ui(cx, place, chip, ui);
            }
        });
    });
}

fn chip_ui(cx: &Cx<'_>, place: usize, chip: &Chip, ui: &mut Ui) {
    let response = body_ui(cx, place, chip, ui);
    let name = chip.name();
    let role = if chip.sign == Sign::Not { tr("not") } else { tr("like") };
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("{role}: {name}")));
    response.dnd_set_drag_payload(place);
    if let Some(from) = response.dnd_release_payload::<usize>() {
        cx.send(Command::Chip(*from, ChipEdit::MoveTo(place)));
    }
    let popup = Popup::menu(&response).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    popup.show(|ui| menu_ui(cx, place, chip, ui));
    response.on_hover_text(tr_with("{}: click to weigh, turn round or mute it; drag to move it", &[&name]));
}

/// The chip itself: a picture or words, the weight, a way out.
fn body_ui(cx: &Cx<'_>, place: usize, chip: &Chip, ui: &mut Ui) -> Response {
    let look = Look::of(chip, ui);
    let margin = Margin { left: space::S as i8, right: 0, top: 0, bottom: 0 };
    let frame = Frame::new().fill(look.fill).stroke(look.stroke).corner_radius(radius::S).inner_margin(margin);
    let shown = frame.show(ui, |ui| {
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.set_height(HEIGHT - 2.0);
            ui.spacing_mut().item_spacing.x = space::XS;
            ui.spacing_mut().interact_size = vec2(18.0, 18.0);
            picture_ui(cx, chip, ui);
            let words = match chip.sign {
                Sign::Like => shortened(&chip.name()),
                Sign::Not => format!("{} {}", tr("not"), shortened(&chip.name())),
            };
            let mut words = RichText::new(words).font(font::small()).color(look.text);
            if chip.is_muted {
                words = words.strikethrough();
            }
            ui.add(egui::Label::new(words).extend());
            weight_ui(chip, look.text, ui);
            let close = RichText::new(icons::X).font(font::small()).color(look.text);
            let close = ui.add(egui::Button::new(close).frame(false));
            let label = tr_with("Remove {}", &[&chip.name()]);
            close.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &label));
            if close.clicked() {
                cx.send(Command::Chip(place, ChipEdit::Remove));
            }
            close.rect
        })
        .inner
    });
    // What closes it is a button of its own.
    let rest = shown.response.rect.with_max_x(shown.inner.left());
    ui.interact(rest, ui.scope_id().with(("chip", place)), Sense::click_and_drag())
}

struct Look {
    fill: Color32,
    stroke: Stroke,
    text: Color32,
}

impl Look {
    fn of(chip: &Chip, ui: &Ui) -> Self {
        let tokens = theme::tokens(ui);
        match (chip.is_muted, chip.sign) {
            (true, _) => Self { fill: tokens.panel, stroke: Stroke::new(1.0, tokens.line), text: tokens.muted },
            (false, Sign::Like) => {
                Self { fill: tokens.accent_soft, stroke: Stroke::new(1.0, tokens.accent_soft), text: tokens.text }
            }
            (false, Sign::Not) => Self { fill: tokens.panel, stroke: Stroke::new(1.0, tokens.fail), text: tokens.fail },
        }
    }
}

/// The picture that the chip is about, if the library knows it.
fn picture_ui(cx: &Cx<'_>, chip: &Chip, ui: &mut Ui) {
    let Some((path, region)) = chip.file() else { return };
    let (rect, _) = ui.allocate_exact_size(vec2(24.0, 18.0), Sense::hover());
    let known = entry(cx, path).map(|entry| (cx.thumbnail(entry), entry));
    if let Some((textures::Thumbnail::Ready(texture), entry)) = known {
        let uv = shown_part(region, rect.aspect_ratio(), entry.photo.width as f32 / entry.photo.height.max(1) as f32);
        ui.painter().image(texture, rect, uv, Color32::WHITE);
        return;
    }
    let color = theme::tokens(ui).text;
    ui.painter().text(rect.center(), egui::Align2::CENTER_CENTER, icons::IMAGE, font::icon(), color);
}

/// The file of the library at this path.
fn entry<'a>(cx: &'a Cx<'_>, path: &std::path::Path) -> Option<&'a Entry> {
    let entries = &cx.state.library.snapshot.as_ref()?.entries;
    let found = entries.binary_search_by(|entry| entry.path.as_path().cmp(path)).ok()?;
    entries.get(found)
}

/// The middle of a region, or of the whole, in the shape of its place.
fn shown_part(region: Option<Region>, wanted: f32, photo: f32) -> Rect {
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    let part =
        region.map_or(whole, |region| Rect::from_min_size(pos2(region.x, region.y), vec2(region.width, region.height)));
    let shape = photo * part.aspect_ratio();
    let size = if shape > wanted {
        vec2(part.width() * wanted / shape, part.height())
    } else {
        vec2(part.width(), part.height() * shape / wanted)
    };
    Rect::from_center_size(part.center(), size)
}

/// How much the chip counts, unless that is the usual.
fn weight_ui(chip: &Chip, color: Color32, ui: &mut Ui) {
    let (width, height) = WEIGHT_BAR;
    let (rect, _) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    ui.painter().rect_filled(rect, 2, color.gamma_multiply(0.25));
    let filled = rect.with_max_x(rect.left() + width * (chip.weight / FULL_WEIGHT).min(1.0));
    ui.painter().rect_filled(filled, 2, color);
}

fn menu_ui(cx: &Cx<'_>, place: usize, chip: &Chip, ui: &mut Ui) {
    ui.set_min_width(220.0);
    let mut weight = chip.weight;
    let slider = Slider::new(&mut weight, 0.1..=FULL_WEIGHT).text(tr("weight")).fixed_decimals(1).step_by(0.1);
    if ui.add(slider).changed() {
        cx.send(Command::Chip(place, ChipEdit::Weigh(weight)));
    }
    let mut item = |icon: &str, label: &str, edit: ChipEdit| {
        if widgets::button(ui, widgets::Kind::Plain, icon, label).clicked() {
            cx.send(Command::Chip(place, edit));
            ui.close();
        }
    };
    let flip = if chip.sign == Sign::Like { tr("Not like this") } else { tr("Like this") };
    item(icons::SWAP, flip, ChipEdit::Flip);
    item(icons::EYE_SLASH, if chip.is_muted { tr("Let it count") } else { tr("Mute") }, ChipEdit::Mute);
    if place > 0 {
        item(icons::CARET_LEFT, tr("Move left"), ChipEdit::MoveTo(place - 1));
    }
    if place + 1 < cx.state.query.chips.len() {
        item(icons::CARET_RIGHT, tr("Move right"), ChipEdit::MoveTo(place + 1));
    }
    item(icons::TRASH, tr("Remove"), ChipEdit::Remove);
}

fn shortened(name: &str) -> String {
    const LONGEST: usize = 24;
    if name.chars().count() <= LONGEST {
        return name.to_owned();
    }
    let start: String = name.chars().take(LONGEST - 1).collect();
    format!("{start}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(region: Option<[f32; 4]>, wanted: f32, photo: f32, expected: [f32; 4]) {
        let region = region.map(|[x, y, width, height]| Region { x, y, width, height });
        let found = shown_part(region, wanted, photo);
        let found = [found.left(), found.top(), found.width(), found.height()];
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?}");
    }

    #[test]
    fn a_chip_shows_the_middle_of_its_picture_undistorted() {
        check(None, 1.0, 1.0, [0.0, 0.0, 1.0, 1.0]);
        check(None, 1.0, 2.0, [0.25, 0.0, 0.5, 1.0]);
        check(None, 2.0, 1.0, [0.0, 0.25, 1.0, 0.5]);
        check(Some([0.5, 0.5, 0.5, 0.5]), 1.0, 1.0, [0.5, 0.5, 0.5, 0.5]);
    }
}

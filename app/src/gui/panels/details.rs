//! What is known of the chosen photo: how it matches, when and how it was taken, where it is.

use egui::{Frame, Margin, RichText, ScrollArea, Ui, vec2};
use sightline_core::index::Entry;
use sightline_core::search::{Band, Hit, Why};

use super::marks_editor::MarksEditor;
use super::{Cx, Panel};
use crate::gui::command::Command;
use crate::gui::state::{BINS, Chip, Loaded, Page, State};
use crate::gui::theme::{self, Tokens, font, size, space};
use crate::gui::translate::{tr, tr_with};
use crate::gui::{icons, text, widgets};

/// See the module.
#[derive(Default)]
pub struct Details {
    marks: MarksEditor,
}

/// The cosine that fills a bar: more than pictures and words of any common model reach.
const FULL_TEXT_BAR: f32 = 0.4;

/// How wide names are, before what they name.
const NAMES: f32 = 80.0;

impl Panel for Details {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        let width = ui.ctx().content_rect().width();
        let is_wide =
            width >= size::HIDES_DETAILS || (cx.state.viewer.is_some() && width >= size::HIDES_SIDEBAR + 100.0);
        let Some(index) = cx.state.selection.cursor().filter(|_| is_wide && cx.state.page == Page::Photos) else {
            return;
        };
        let (Some(entry), Some(hit)) = (cx.state.answer.entry(index), cx.state.answer.hits.get(index)) else { return };
        let fill = theme::tokens(ui).panel;
        let frame = Frame::new().fill(fill).inner_margin(Margin::same(space::L as i8));
        egui::Panel::right("details").exact_size(size::DETAILS).resizable(false).frame(frame).show(ui, |ui| {
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                preview_ui(cx, index, entry, ui);
                actions_ui(cx, entry, ui);
                self.marks.ui(cx, entry, ui);
                match_ui(cx.state, hit, ui);
                facts_ui(entry, hit, ui);
                histogram_ui(cx.state, ui);
            });
        });
    }
}

/// The photo, unless it is shown large beside this.
fn preview_ui(cx: &Cx<'_>, index: usize, entry: &Entry, ui: &mut Ui) {
    if cx.state.viewer.is_some() {
        return;
    }
    let picture = vec2(entry.photo.width as f32, entry.photo.height as f32);
    let width = ui.available_width();
    let height = (width * picture.y / picture.x.max(1.0)).clamp(width * 0.4, width * 1.35);
    let (rect, response) = ui.allocate_exact_size(vec2(width, height), egui::Sense::click());
    let tokens = theme::tokens(ui);
    widgets::paint_thumbnail(ui.painter(), tokens, &cx.thumbnail_for(entry, rect.size(), ui.ctx()), rect, picture);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, tr("View large")));
    if response.on_hover_cursor(egui::CursorIcon::ZoomIn).clicked() {
        cx.send(Command::OpenViewer(index));
    }
    ui.add_space(space::M);
}

fn actions_ui(cx: &Cx<'_>, entry: &Entry, ui: &mut Ui) {
    ui.horizontal_wrapped(|ui| {
        if widgets::button(ui, widgets::Kind::Quiet, icons::SPARKLE, tr("Find similar")).clicked() {
            cx.send(Command::SearchBy(Chip::picture(entry.path.clone())));
        }
        if widgets::button(ui, widgets::Kind::Quiet, icons::FOLDER_OPEN, tr("Reveal")).clicked() {
            cx.send(Command::Reveal(entry.path.clone()));
        }
    });
    ui.add_space(space::M);
}

/// The score with what it is, its band, and how near each term is.
fn match_ui(state: &State, hit: &Hit, ui: &mut Ui) {
    if hit.cosines.is_empty() {
        return;
    }
    let tokens = theme::tokens(ui);
    ui.label(RichText::new(tr("How it matches")).font(font::heading()).color(tokens.text));
    ui.add_space(space::XS);
    let names = state.answer.query.term_names();
    let mut terms = state.answer.query.active();
    for (name, cosine) in names.iter().zip(&hit.cosines) {
        // Pictures are near to pictures on a scale of their own: up to 1.
        let is_picture = terms.next().is_some_and(|chip| chip.file().is_some());
        let full = if is_picture { 1.0 } else { FULL_TEXT_BAR };
        ui.horizontal(|ui| {
            widgets::caption(ui, name, NAMES);
            let bar = vec2(ui.available_width() - 46.0, 5.0);
            widgets::progress_bar(ui, name, Some(cosine / full), color(tokens, hit.band), bar);
            ui.label(RichText::new(text::decimal(*cosine, 3)).font(font::small()).color(tokens.text));
        });
    }
    ui.label(RichText::new(explanation(hit)).font(font::caption()).color(tokens.muted));
    ui.add_space(space::L);
}

fn color(tokens: &Tokens, band: Option<Band>) -> egui::Color32 {
    match band {
        Some(Band::Strong) => tokens.pass,
        Some(Band::Likely) => tokens.review,
        Some(Band::Weak) => tokens.faint,
        None => tokens.accent,
    }
}

fn explanation(hit: &Hit) -> String {
    let band = match (hit.why, hit.band) {
        (Why::Exact, _) => tr("its name or a tag is what you typed").to_owned(),
        (_, Some(Band::Strong)) => tr("a strong match among all your photos").to_owned(),
        (_, Some(Band::Likely)) => tr("a likely match among all your photos").to_owned(),
        (_, Some(Band::Weak)) => tr("a weak match among all your photos").to_owned(),
        _ => tr_with("number {} of the answer", &[&text::count(hit.rank as u64)]),
    };
    tr_with("Cosine similarity, higher is nearer; {}", &[&band])
}

fn facts_ui(entry: &Entry, hit: &Hit, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    for (name, value) in facts(entry, hit) {
        ui.horizontal_top(|ui| {
            widgets::caption(ui, name, NAMES);
            let value = RichText::new(value).font(font::small()).color(tokens.text);
            ui.add(egui::Label::new(value).wrap().selectable(true));
        });
    }
}

/// How bright the pixels of the large photo are, of red, green and blue.
fn histogram_ui(state: &State, ui: &mut Ui) {
    let Some(Loaded::Ready(picture)) = state.viewer.as_ref().map(|viewer| &viewer.picture) else { return };
    ui.add_space(space::M);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width() - space::L, 64.0), egui::Sense::hover());
    response
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, tr("Brightness of red, green and blue")));
    ui.painter().rect_filled(rect, theme::radius::S, theme::tokens(ui).raised);
    let step = rect.width() / BINS as f32;
    for (channel, color) in picture.histogram.iter().zip(theme::CHANNELS) {
        let mut line = Vec::with_capacity(BINS);
        for (bin, share) in channel.iter().enumerate() {
            line.push(egui::pos2(rect.left() + (bin as f32 + 0.5) * step, rect.bottom() - share * rect.height()));
        }
        ui.painter().line(line, egui::Stroke::new(1.2, color));
    }
}

/// What is known, and nothing that is not.
fn facts(entry: &Entry, hit: &Hit) -> Vec<(&'static str, String)> {
    let photo = &entry.photo;
    let date = if photo.taken.is_some() { tr("Taken") } else { tr("Changed") };
    let mut facts = vec![(tr("Name"), text::name(&entry.path)), (date, text::date(entry.date()))];
    facts.extend(photo.camera.clone().map(|camera| (tr("Camera"), camera)));
    facts.extend(photo.lens.clone().map(|lens| (tr("Lens"), lens)));
    facts.extend(text::exposure(&photo.exposure).map(|exposure| (tr("Exposure"), exposure)));
    facts.push((tr("Size"), format!("{} × {}, {}", photo.width, photo.height, text::bytes(entry.size))));
    facts.push((tr("Format"), photo.format.to_uppercase()));
    facts.push((tr("Folder"), text::folder(&entry.path)));
    facts.extend(photo.position.map(|(north, east)| (tr("Place"), format!("{north:.4}, {east:.4}"))));
    if !entry.tags.is_empty() {
        facts.push((tr("Tags"), entry.tags.join(", ")));
    }
    if hit.copies > 1 {
        facts.push((tr("Copies"), text::files(hit.copies as usize)));
    }
    if entry.is_offline {
        facts.push((tr("Drive"), tr("not there now").to_owned()));
    }
    facts
}

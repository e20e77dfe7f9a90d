//! What the person says of the chosen photos: favourite, stars, tags, a note.

use egui::{Key, Popup, RichText, TextEdit, Ui, vec2};
use sightline_core::index::{ContentHash, Entry, MOST_STARS};

use super::Cx;
use crate::gui::command::{Command, MarkEdit};
use crate::gui::theme::{self, font, space};
use crate::gui::translate::{tr, tr_with};
use crate::gui::{icons, text, widgets};

/// Tags that are offered while one is typed.
const OFFERED: usize = 6;

/// The words that are being typed.
#[derive(Default)]
pub struct MarksEditor {
    /// A new tag.
    tag: String,
    /// The note, of this photo.
    note: Option<(ContentHash, String)>,
}

impl MarksEditor {
    /// Draws the marks of a photo; a change is made to all chosen ones.
    pub fn ui(&mut self, cx: &Cx<'_>, entry: &Entry, ui: &mut Ui) {
        let count = cx.state.selection.len();
        if count > 1 {
            let words =
                tr_with("{} photos chosen: changes here are made to all of them", &[&text::count(count as u64)]);
            ui.label(RichText::new(words).font(font::small()).color(theme::tokens(ui).muted));
        }
        stars_ui(cx, entry, ui);
        self.tags_ui(cx, entry, ui);
        self.note_ui(cx, entry, ui);
        ui.add_space(space::L);
    }

    fn tags_ui(&mut self, cx: &Cx<'_>, entry: &Entry, ui: &mut Ui) {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().interact_size.y = 22.0;
            for tag in entry.tags.iter() {
                let words = RichText::new(format!("{tag} {}", icons::X)).font(font::small());
                let chip = ui.add(egui::Button::new(words).fill(theme::tokens(ui).accent_soft));
                let label = tr_with("Remove the tag {}", &[tag]);
                chip.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &label));
                if chip.on_hover_text(&label).clicked() {
                    cx.send(Command::Mark(MarkEdit::RemoveTag(tag.clone())));
                }
            }
        });
        let hint = RichText::new(tr("Add a tag")).font(font::small()).color(theme::tokens(ui).muted);
        let field = TextEdit::singleline(&mut self.tag).hint_text(hint).font(font::small());
        let field = ui.add(field.desired_width(ui.available_width() - space::L));
        label(&field, tr("Add a tag"));
        self.completions_ui(cx, &field, ui);
        if field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
            self.send_tag(cx);
            field.request_focus();
        }
    }

    /// Known tags that begin like the one that is typed.
    fn completions_ui(&mut self, cx: &Cx<'_>, field: &egui::Response, ui: &Ui) {
        let typed = self.tag.trim().to_lowercase();
        let begins = |tag: &&str| tag.to_lowercase().starts_with(&typed) && tag.to_lowercase() != typed;
        let known = cx.state.library.tags.iter().map(|(tag, _)| tag.as_str());
        let offered: Vec<&str> = known.filter(begins).take(OFFERED).collect();
        if typed.is_empty() || offered.is_empty() {
            return;
        }
        let popup = Popup::from_response(field).id(ui.scope_id().with("tags")).gap(2.0);
        popup.show(|ui| {
            for tag in offered {
                if widgets::button(ui, widgets::Kind::Plain, icons::TAG, tag).clicked() {
                    self.tag = tag.to_owned();
                    self.send_tag(cx);
                }
            }
        });
    }

    fn send_tag(&mut self, cx: &Cx<'_>) {
        let tag = std::mem::take(&mut self.tag);
        if !tag.trim().is_empty() {
            cx.send(Command::Mark(MarkEdit::AddTag(tag)));
        }
    }

    fn note_ui(&mut self, cx: &Cx<'_>, entry: &Entry, ui: &mut Ui) {
        let known = entry.note.as_deref().unwrap_or_default();
        let is_other = self.note.as_ref().is_none_or(|(hash, _)| *hash != entry.hash);
        if is_other {
            self.note = Some((entry.hash, known.to_owned()));
        }
        let Some((_, note)) = &mut self.note else { return };
        let hint = RichText::new(tr("Note")).font(font::small()).color(theme::tokens(ui).muted);
        let field = TextEdit::multiline(note).hint_text(hint).font(font::small()).desired_rows(1);
        let field = ui.add(field.desired_width(ui.available_width() - space::L));
        label(&field, tr("Note"));
        if field.lost_focus() && note != known {
            cx.send(Command::Mark(MarkEdit::Note(note.clone())));
        } else if !field.has_focus() && !field.lost_focus() && note != known {
            // Undone, or changed for several photos at once.
            *note = known.to_owned();
        }
    }
}

fn label(field: &egui::Response, label: &'static str) {
    field.widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, label));
}

/// A heart and five stars; the last chosen star takes them all away.
fn stars_ui(cx: &Cx<'_>, entry: &Entry, ui: &mut Ui) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.spacing_mut().interact_size = vec2(22.0, 22.0);
        let tokens = theme::tokens(ui);
        let (words, color) = match entry.is_favourite {
            true => (tr("No longer a favourite"), tokens.fail),
            false => (tr("Favourite"), tokens.faint),
        };
        if mark_button(ui, icons::HEART, color, words).clicked() {
            cx.send(Command::Mark(MarkEdit::Favourite(!entry.is_favourite)));
        }
        ui.add_space(space::M);
        for stars in 1..=MOST_STARS {
            let color = if stars <= entry.rating { tokens.review } else { tokens.faint };
            let words = if stars == 1 { tr("1 star").to_owned() } else { tr_with("{} stars", &[&stars.to_string()]) };
            if mark_button(ui, icons::STAR, color, &words).clicked() {
                let rating = if entry.rating == stars { 0 } else { stars };
                cx.send(Command::Mark(MarkEdit::Rate(rating)));
            }
        }
    });
}

fn mark_button(ui: &mut Ui, icon: &str, color: egui::Color32, words: &str) -> egui::Response {
    let icon = RichText::new(icon).font(font::icon()).color(color);
    let button = ui.add(egui::Button::new(icon).frame(false));
    button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, words));
    button.on_hover_text(words)
}

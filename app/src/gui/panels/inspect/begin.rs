//! The page without a product: what to do first, and the products that are there.

use egui::{CentralPanel, Frame, Margin, RichText, Ui, vec2};
use sightline_core::anomaly::product::ProductRow;

use crate::gui::inspect_command::InspectCommand;
use crate::gui::panels::Cx;
use crate::gui::panels::search_bar::sidebar_button;
use crate::gui::state::Wanted;
use crate::gui::theme::{self, font, radius, size, space};
use crate::gui::translate::{tr, tr_with};
use crate::gui::{icons, text, widgets};

/// What to do first.
pub fn begin_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    let frame = Frame::new().fill(tokens.background).inner_margin(Margin::same(space::L as i8));
    CentralPanel::default().frame(frame).show(ui, |ui| {
        if ui.ctx().content_rect().width() < size::HIDES_SIDEBAR {
            sidebar_button(cx, ui);
        }
        let sentence = tr(
            "Show Sightline a few good parts, best four or more, taken as the parts to judge will be. It then compares \
             every other part with them, place by place, and shows where one differs. Nothing is trained, and no \
             picture leaves this machine.",
        );
        widgets::page(ui, icons::INSPECT, tr("Bring four pictures of good parts"), sentence, |ui| {
            if cx.state.inspection.is_changing {
                widgets::spinner(ui);
                ui.label(RichText::new(tr("Reading the pictures …")).font(font::small()).color(tokens.muted));
                return;
            }
            let is_files = widgets::button(ui, widgets::Kind::Primary, icons::IMAGES, tr("Choose pictures"));
            if is_files.clicked() {
                cx.inspect(InspectCommand::Choose(Wanted::GoodFiles));
            }
            if widgets::button(ui, widgets::Kind::Quiet, icons::FOLDER, tr("Choose a folder")).clicked() {
                cx.inspect(InspectCommand::Choose(Wanted::GoodFolder));
            }
            let hint = tr("or drop them here, or choose “Use as a good part” in the menu of any photo");
            ui.label(RichText::new(hint).font(font::small()).color(tokens.muted));
            let path = RichText::new(tr("or type its path")).font(font::small()).color(tokens.muted).underline();
            if ui.add(egui::Button::new(path).frame(false)).clicked() {
                cx.inspect(InspectCommand::AskForPath(Some(Wanted::GoodFolder)));
            }
            ui.add_space(space::L);
            products_ui(cx, ui);
        });
    });
}

/// Products that are there already.
fn products_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    let products = cx.state.inspection.products.as_deref().unwrap_or_default();
    let frame = Frame::new().fill(tokens.panel).corner_radius(radius::L).inner_margin(Margin::same(12));
    ui.allocate_ui(vec2(size::SENTENCE.min(ui.available_width()), 0.0), |ui| {
        frame.show(ui, |ui| {
            ui.spacing_mut().item_spacing = vec2(space::S, space::XS);
            if !products.is_empty() {
                let words = RichText::new(tr("Go on with a product")).font(font::heading()).color(tokens.text);
                ui.label(words);
            }
            products.iter().for_each(|product| product_ui(cx, product, ui));
            let import = widgets::button(ui, widgets::Kind::Plain, icons::PRODUCT, tr("Bring a product's file"));
            if import.clicked() {
                cx.inspect(InspectCommand::Choose(Wanted::ProductFile));
            }
        });
    });
}

fn product_ui(cx: &Cx<'_>, product: &ProductRow, ui: &mut Ui) {
    let references = text::good_parts(product.references);
    let trailing = tr_with("{} · version {}", &[&references, &text::count(u64::from(product.version))]);
    let row = widgets::Row { icon: icons::PRODUCT, label: &product.name, trailing: &trailing, is_chosen: false };
    if widgets::row(ui, &row).clicked() {
        cx.inspect(InspectCommand::OpenProduct(product.name.clone()));
    }
}

//! The line under the large view: how the map is drawn, what stands beside the part, and the keys.

use egui::{RichText, Slider, Ui};

use super::canvas::LargeView;
use super::legend;
use crate::gui::colour_table::TABLES;
use crate::gui::inspect_command::{HeatEdit, InspectCommand};
use crate::gui::panels::Cx;
use crate::gui::state::Beside;
use crate::gui::theme::{self, font, size, space};
use crate::gui::translate::tr;
use crate::gui::{icons, widgets};

/// The width that everything takes in one line.
const ONE_LINE: f32 = 610.0;
/// The keys in words, where there is room for them under the line.
const KEYS: f32 = size::CONTROL;

/// The height of it all in this width.
pub fn height(width: f32) -> f32 {
    let lines = if width >= ONE_LINE { 1.0 } else { 2.0 };
    lines * (size::CONTROL + space::S) + KEYS + space::S
}

/// The line.
pub fn controls_ui(cx: &Cx<'_>, canvas: &mut LargeView, ui: &mut Ui) {
    ui.add_space(space::XS);
    let is_one_line = ui.available_width() >= ONE_LINE;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = space::XS;
        heat_ui(cx, ui);
        if is_one_line {
            scale_ui(cx, ui);
            ui.add_space(space::S);
        }
        beside_ui(cx, ui);
    });
    if !is_one_line {
        ui.horizontal(|ui| scale_ui(cx, ui));
    }
    let muted = theme::tokens(ui).muted;
    let keys = tr("A accept · R reject · U take back · arrows next part · H heatmap · + − opacity · B blink");
    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
        let label = if canvas.is_whole() { "1:1" } else { tr("Fit") };
        if widgets::button(ui, widgets::Kind::Plain, "", label).clicked() {
            canvas.toggle_zoom();
        }
        ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
            ui.add(egui::Label::new(RichText::new(keys).font(font::caption()).color(muted)).truncate());
        });
    });
}

fn heat_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let heat = cx.state.inspection.heat;
    let edit = |edit| cx.inspect(InspectCommand::Heat(edit));
    if widgets::icon_button(ui, icons::HEAT, tr("Heatmap"), heat.is_shown).clicked() {
        edit(HeatEdit::Toggle);
    }
    if widgets::icon_button(ui, icons::OUTLINES, tr("Outlines of regions"), heat.has_outlines).clicked() {
        edit(HeatEdit::ToggleOutlines);
    }
    if widgets::icon_button(ui, icons::BOXES, tr("Boxes round regions"), heat.has_boxes).clicked() {
        edit(HeatEdit::ToggleBoxes);
    }
    let mut opacity = heat.opacity;
    if slider_ui(ui, &mut opacity, [0.0, 1.0], tr("Opacity of the heatmap")) {
        edit(HeatEdit::Opacity(opacity));
    }
}

/// The colours, and from which score on they are seen.
fn scale_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let heat = cx.state.inspection.heat;
    let Some(calibration) = &cx.state.inspection.calibration else { return };
    let scale = calibration.colours;
    legend::legend_ui(heat.table, scale, heat.floor(scale), ui);
    let mut floor = heat.floor(scale);
    if slider_ui(ui, &mut floor, scale, tr("Show the heatmap from this score on")) {
        cx.inspect(InspectCommand::Heat(HeatEdit::Floor(floor)));
    }
    tables_ui(cx, ui);
}

fn slider_ui(ui: &mut Ui, value: &mut f32, [low, high]: [f32; 2], label: &str) -> bool {
    ui.spacing_mut().slider_width = 56.0;
    let slider = Slider::new(value, low..=high.max(low + f32::MIN_POSITIVE)).show_value(false);
    let response = ui.add(slider);
    let shown = f64::from(*value);
    response.widget_info(|| egui::WidgetInfo::slider(true, shown, label));
    let is_changed = response.changed();
    response.on_hover_text(label);
    is_changed
}

fn tables_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let now = cx.state.inspection.heat.table;
    let button = widgets::icon_button(ui, icons::CIRCLE_HALF, tr("Colours of the heatmap"), false);
    egui::Popup::menu(&button).show(|ui| {
        for (table, name) in TABLES {
            if ui.selectable_label(now == table, tr(name)).clicked() {
                cx.inspect(InspectCommand::Heat(HeatEdit::Colours(table)));
            }
        }
    });
}

fn beside_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let ways = [
        (Beside::Alone, icons::IMAGE, tr("Only the part")),
        (Beside::Side, icons::COLUMNS, tr("The nearest good part beside it")),
        (Beside::Blink, icons::SWAP, tr("In turns with the nearest good part")),
    ];
    for (beside, icon, label) in ways {
        if widgets::icon_button(ui, icon, label, cx.state.inspection.beside == beside).clicked() {
            cx.inspect(InspectCommand::ShowBeside(beside));
        }
    }
}

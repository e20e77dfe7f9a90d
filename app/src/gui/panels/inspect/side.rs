//! What is said of the part that is looked at: what it was compared with, the thresholds and what they promise, the
//! person's decision, drift.

use egui::{Grid, RichText, ScrollArea, Ui};
use sightline_core::anomaly::{Calibration, Threshold};

use super::canvas::LargeView;
use super::{compared, drift, histogram, review};
use crate::gui::inspect_command::InspectCommand;
use crate::gui::panels::Cx;
use crate::gui::state::{Inspection, Part, at_most};
use crate::gui::theme::{self, font, space};
use crate::gui::translate::{tr, tr_with};
use crate::gui::{icons, text, widgets};

/// All of it.
pub fn side_ui(cx: &Cx<'_>, canvas: &mut LargeView, ui: &mut Ui) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.set_width(ui.available_width() - space::XS);
        compared::compared_ui(cx, canvas, ui);
        ui.add_space(space::S);
        let tokens = theme::tokens(ui);
        ui.horizontal(|ui| {
            ui.label(RichText::new(tr("Scores")).font(font::heading()).color(tokens.text));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let reset = widgets::icon_button(ui, icons::UNDO, tr("The thresholds that the good parts make"), false);
                if reset.clicked() {
                    cx.inspect(InspectCommand::ResetThresholds);
                }
            });
        });
        histogram::histogram_ui(cx, ui);
        if let Some(calibration) = &cx.state.inspection.calibration {
            promise_ui(calibration, ui);
        }
        ui.add_space(space::S);
        if let Some(part) = cx.state.inspection.parts.chosen() {
            numbers_ui(&cx.state.inspection, part, ui);
            ui.add_space(space::S);
            review::review_ui(cx, part, ui);
        }
        ui.add_space(space::S);
        drift::drift_ui(cx, ui);
    });
}

/// What the thresholds stand for, as far as the good parts allow to say it.
pub fn promise_ui(calibration: &Calibration, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    for line in promises(calibration) {
        ui.add(egui::Label::new(RichText::new(line).font(font::caption()).color(tokens.muted)).wrap());
    }
}

fn promises(calibration: &Calibration) -> Vec<String> {
    let Some(smallest) = calibration.smallest_rate else {
        return vec![tr("Uncalibrated: one good part does not say how good parts differ. Nothing can fail, some go to review. Bring more good parts.").to_owned()];
    };
    let good = text::good_parts(calibration.ok.len());
    let share = |threshold: Threshold| text::percent(at_most(calibration, threshold.score).unwrap_or(smallest));
    let mut lines = vec![match calibration.fail {
        Some(fail) => tr_with(
            "Of good parts at most {} do not pass, at most {} fail ({}).",
            &[&share(calibration.review), &share(fail), &good],
        ),
        None => tr_with("Of good parts at most {} do not pass ({}).", &[&share(calibration.review), &good]),
    }];
    if smallest > 0.05 {
        lines.push(tr_with(
            "So few cannot promise less than {}. With 19 it is 5 %, with 99 it is 1 %.",
            &[&text::percent(smallest)],
        ));
    }
    lines
}

/// The numbers of a part.
fn numbers_ui(inspection: &Inspection, part: &Part, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    let scale = inspection.inspector.as_ref().and_then(|inspector| inspector.settings().px_per_mm);
    let (count, largest) = part.regions;
    let area = match scale {
        Some(px_per_mm) => tr_with("{} mm²", &[&text::decimal(largest / (px_per_mm * px_per_mm), 2)]),
        None => tr_with("{} px", &[&text::count(largest.round() as u64)]),
    };
    let p_value = inspection.calibration.as_ref().and_then(|calibration| calibration.p_value(part.score));
    let mut lines = vec![(tr("Score"), text::decimal(part.score, 4))];
    lines.extend(p_value.map(|p| (tr("Good parts that score as high, at most"), text::percent(p))));
    lines.push((tr("Regions"), text::count(count as u64)));
    if count > 0 {
        lines.push((tr("Largest region"), area));
    }
    Grid::new("inspect-numbers").num_columns(2).min_col_width(100.0).spacing([space::M, 2.0]).show(ui, |ui| {
        ui.spacing_mut().interact_size.y = 18.0;
        for (name, value) in lines {
            ui.add(egui::Label::new(RichText::new(name).font(font::small()).color(tokens.muted)).wrap());
            ui.label(RichText::new(value).font(font::small()).color(tokens.text));
            ui.end_row();
        }
    });
}

//! The inspection page: good parts in, verdicts out. One step after the other until there are parts; then the list, the
//! part that is looked at, and what is said of it.

use egui::{CentralPanel, Frame, Margin, Ui};

use super::{Cx, Panel};
use crate::gui::state::{Page, State};
use crate::gui::theme::{self, size, space};

mod begin;
mod canvas;
mod compared;
mod controls;
mod drift;
mod header;
mod histogram;
mod keys;
mod legend;
mod list;
mod path;
mod pixels;
mod references;
mod review;
mod roi;
mod side;

/// See the module.
#[derive(Default)]
pub struct Inspect {
    view: View,
    list: list::List,
    canvas: canvas::LargeView,
    path: path::PathOf,
}

/// What the page shows of a product that has parts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum View {
    /// The parts.
    #[default]
    Parts,
    /// The good parts and the versions.
    References,
    /// In a narrow window: thresholds and decisions, in place of the list.
    Side,
}

/// The list's width, and in a narrow window.
const LIST: f32 = 250.0;
const NARROW_LIST: f32 = 196.0;

impl Panel for Inspect {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        if cx.state.page != Page::Inspect {
            self.canvas.forget();
            return;
        }
        self.path.ui(cx, ui);
        if !has_product(cx.state) {
            self.view = View::Parts;
            begin::begin_ui(cx, ui);
            return;
        }
        header::header_ui(cx, &mut self.view, self.canvas.roi_mut(), ui);
        let has_parts = has_parts(cx.state);
        if self.view == View::References || !has_parts {
            references::references_ui(cx, ui);
            return;
        }
        keys::keys(cx, &mut self.canvas, ui);
        self.parts_ui(cx, ui);
    }
}

impl Inspect {
    fn parts_ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        let tokens = theme::tokens(ui);
        let is_wide = is_wide(ui);
        let width = if is_wide { LIST } else { NARROW_LIST };
        let background = Frame::new().fill(tokens.background);
        let is_side_instead = !is_wide && self.view == View::Side;
        if is_wide || is_side_instead {
            let frame = Frame::new().fill(tokens.panel).inner_margin(Margin::same(space::L as i8));
            let panel = egui::Panel::right("inspect-side").exact_size(size::DETAILS).resizable(false).frame(frame);
            panel.show(ui, |ui| side::side_ui(cx, &mut self.canvas, ui));
        }
        if !is_side_instead {
            let list = egui::Panel::left("inspect-list").exact_size(width).resizable(false).show_separator_line(false);
            list.frame(background.inner_margin(Margin::same(space::S as i8))).show(ui, |ui| self.list.ui(cx, ui));
        }
        CentralPanel::default()
            .frame(background.inner_margin(Margin::same(space::M as i8)))
            .show(ui, |ui| self.canvas.ui(cx, ui));
    }
}

/// Whether there is a product with good parts, or one is being made.
fn has_product(state: &State) -> bool {
    state.inspection.product.is_some()
}

/// Whether parts were judged, or are.
fn has_parts(state: &State) -> bool {
    let inspection = &state.inspection;
    !inspection.parts.rows.is_empty() || inspection.run.is_some() || !inspection.parts.problems.is_empty()
}

/// Whether there is room for what is said of a part beside it.
fn is_wide(ui: &Ui) -> bool {
    ui.ctx().content_rect().width() >= size::HIDES_DETAILS
}

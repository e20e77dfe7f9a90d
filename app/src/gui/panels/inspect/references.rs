//! The good parts of a product: what was learnt, what stands out, the versions, and the next step.

use egui::{CentralPanel, Frame, Margin, Rect, RichText, ScrollArea, Sense, Ui, pos2, vec2};
use sightline_core::anomaly::Calibration;
use sightline_core::anomaly::product::{Product, Reference, Role};

use super::{has_parts, side};
use crate::gui::inspect_command::{InspectCommand, InspectErrand, ProductChange};
use crate::gui::panels::Cx;
use crate::gui::state::{Wanted, count};
use crate::gui::theme::{self, font, radius, size, space};
use crate::gui::translate::{tr, tr_with};
use crate::gui::{icons, text, widgets};

/// The width of a good part, its picture's height, and the height of the words under it.
const CELL: f32 = 150.0;
const PICTURE: f32 = 100.0;
const WORDS: f32 = 40.0;

/// The page.
pub fn references_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let Some(product) = &cx.state.inspection.product else { return };
    let frame = Frame::new().fill(theme::tokens(ui).background).inner_margin(Margin::same(space::L as i8));
    CentralPanel::default().frame(frame).show(ui, |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            step_ui(cx, ui);
            ui.add_space(space::L);
            roles_ui(cx, product, ui);
            ui.add_space(space::M);
            versions_ui(cx, product, ui);
        });
    });
}

fn heading(ui: &mut Ui, words: &str) {
    ui.label(RichText::new(words).font(font::title()).color(theme::tokens(ui).text));
}

fn words(ui: &mut Ui, words: &str) {
    let muted = theme::tokens(ui).muted;
    ui.add(egui::Label::new(RichText::new(words).font(font::body()).color(muted)).wrap());
}

/// What goes on or is to be done next.
fn step_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let inspection = &cx.state.inspection;
    let tokens = theme::tokens(ui);
    let frame = Frame::new().fill(tokens.panel).corner_radius(radius::L).inner_margin(Margin::same(space::L as i8));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        match (&inspection.calibration, inspection.teaching) {
            (_, Some(progress)) => {
                heading(ui, tr("Learning the good parts"));
                let fraction = (progress.total > 0).then(|| progress.done as f32 / progress.total as f32);
                widgets::progress_bar(ui, tr("Learning the good parts"), fraction, tokens.accent, vec2(260.0, 6.0));
                if widgets::button(ui, widgets::Kind::Quiet, icons::STOP, tr("Stop")).clicked() {
                    cx.inspect(InspectCommand::Stop(InspectErrand::Teaching));
                }
            }
            (Some(calibration), None) => taught_ui(cx, calibration, ui),
            (None, None) if inspection.references() == 0 => {
                heading(ui, tr("Bring four pictures of good parts"));
                words(ui, tr("This product has no good part to compare with yet."));
            }
            (None, None) if inspection.is_changing => {
                widgets::spinner(ui);
            }
            (None, None) => {
                heading(ui, tr("The good parts were not learnt"));
                if widgets::button(ui, widgets::Kind::Primary, icons::REFRESH, tr("Learn them")).clicked() {
                    cx.inspect(InspectCommand::TeachAgain);
                }
            }
        }
    });
}

fn taught_ui(cx: &Cx<'_>, calibration: &Calibration, ui: &mut Ui) {
    if has_parts(cx.state) {
        heading(ui, &tr_with("{} learnt", &[&text::good_parts(cx.state.inspection.references())]));
    } else {
        heading(ui, tr("Now choose the parts to judge"));
        words(
            ui,
            tr("Each part gets a score, a verdict and a heatmap, the worst first. Nothing is copied or changed."),
        );
    }
    side::promise_ui(calibration, ui);
    for outlier in calibration.outliers() {
        let score = text::decimal(outlier.score, 3);
        let name = text::name(std::path::Path::new(&outlier.name));
        let line =
            tr_with("{} differs from the other good parts (score {}): look whether it is good.", &[&name, &score]);
        warning_ui(&line, ui);
    }
    ui.add_space(space::S);
    ui.horizontal_wrapped(|ui| {
        if widgets::button(ui, widgets::Kind::Primary, icons::FOLDER, tr("Choose a folder of parts")).clicked() {
            cx.inspect(InspectCommand::Choose(Wanted::PartFolder));
        }
        if widgets::button(ui, widgets::Kind::Quiet, icons::IMAGES, tr("Choose pictures of parts")).clicked() {
            cx.inspect(InspectCommand::Choose(Wanted::PartFiles));
        }
        let muted = theme::tokens(ui).muted;
        let path = RichText::new(tr("or type its path")).font(font::small()).color(muted).underline();
        if ui.add(egui::Button::new(path).frame(false)).clicked() {
            cx.inspect(InspectCommand::AskForPath(Some(Wanted::PartFolder)));
        }
        let camera = widgets::button(ui, widgets::Kind::Quiet, icons::REFRESH, tr("Watch a camera's folder"));
        if camera.on_hover_text(tr("Judges what is in a folder, and every picture that comes into it")).clicked() {
            cx.inspect(InspectCommand::Choose(Wanted::CameraFolder));
        }
    });
}

fn warning_ui(words: &str, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    ui.horizontal(|ui| {
        ui.label(RichText::new(icons::WARNING).font(font::icon()).color(tokens.review));
        ui.add(egui::Label::new(RichText::new(words).font(font::small()).color(tokens.text)).wrap());
    });
}

/// All parts of the product, by what they are kept for.
fn roles_ui(cx: &Cx<'_>, product: &Product, ui: &mut Ui) {
    let roles = [
        (Role::Normal, tr("Good parts")),
        (Role::Ok, tr("Good parts for the thresholds")),
        (Role::Defect, tr("Known defects")),
    ];
    for (role, name) in roles {
        let many = count(product, role);
        if many == 0 && role != Role::Normal {
            continue;
        }
        ui.horizontal(|ui| {
            heading(ui, name);
            words(ui, &text::count(many as u64));
        });
        ui.horizontal_wrapped(|ui| {
            let of_role = product.version().references.iter().filter(|reference| reference.role == role);
            let files = product.files(role);
            of_role.zip(&files).for_each(|(reference, file)| reference_ui(cx, (reference, file), ui));
        });
        ui.add_space(space::S);
    }
    add_ui(cx, ui);
}

fn add_ui(cx: &Cx<'_>, ui: &mut Ui) {
    ui.horizontal_wrapped(|ui| {
        let buttons = [
            (icons::PLUS, tr("More good parts"), Wanted::GoodFiles),
            (icons::FOLDER_PLUS, tr("A folder of good parts"), Wanted::GoodFolder),
            (icons::PLUS, tr("Good parts for the thresholds only"), Wanted::OkFolder),
            (icons::EXPORT, tr("Export the product"), Wanted::ExportFolder),
            (icons::REPORT, tr("Export the decisions"), Wanted::AuditFolder),
        ];
        for (icon, label, wanted) in buttons {
            if widgets::button(ui, widgets::Kind::Quiet, icon, label).clicked() {
                cx.inspect(InspectCommand::Choose(wanted));
            }
        }
    });
}

fn reference_ui(cx: &Cx<'_>, (reference, file): (&Reference, &std::path::PathBuf), ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    let inspection = &cx.state.inspection;
    let (rect, response) = ui.allocate_exact_size(vec2(CELL, PICTURE + WORDS), Sense::hover());
    let picture = rect.with_max_y(rect.top() + PICTURE);
    let thumbnail = cx.file_thumbnail(file);
    let size = widgets::thumbnail_size(ui.ctx(), &thumbnail);
    widgets::paint_thumbnail(ui.painter(), tokens, &thumbnail, picture, size);
    let problem = inspection.problems.iter().find(|problem| problem.path == *file);
    let calibration = inspection.calibration.as_ref();
    let score = calibration.and_then(|calibration| calibration.ok.iter().find(|part| part.name == reference.name));
    let is_outlier =
        calibration.is_some_and(|calibration| calibration.outliers().iter().any(|part| part.name == reference.name));
    let under = match (problem, score) {
        (Some(_), _) => tr("cannot be used").to_owned(),
        (None, Some(score)) => tr_with("score {}", &[&text::decimal(score.score, 3)]),
        (None, None) => String::new(),
    };
    let line = |y: f32| pos2(rect.left(), picture.bottom() + y);
    let mut job = egui::text::LayoutJob::simple_singleline(reference.name.clone(), font::small(), tokens.text);
    job.wrap = egui::text::TextWrapping::truncate_at_width(CELL);
    let name = ui.painter().layout_job(job);
    ui.painter().galley(line(4.0), name, tokens.text);
    let mark = if problem.is_some() || is_outlier { format!("{} {under}", icons::WARNING) } else { under };
    ui.painter().text(line(22.0), egui::Align2::LEFT_TOP, mark, font::caption(), tokens.muted);
    let corner =
        Rect::from_min_size(picture.right_top() + vec2(-size::CONTROL, 0.0), vec2(size::CONTROL, size::CONTROL));
    let label = tr_with("Take {} out", &[&reference.name]);
    let removal = ui.scope_builder(egui::UiBuilder::new().max_rect(corner), |ui| {
        ui.painter().rect_filled(corner.shrink(3.0), radius::S, theme::BADGE);
        widgets::icon_button(ui, icons::X, &label, false)
    });
    if removal.inner.clicked() && !inspection.is_learning() {
        cx.inspect(InspectCommand::Change(ProductChange::Remove(reference.hash.clone())));
    }
    let hint = problem.map(|problem| text::sentence(&problem.reason));
    response.on_hover_text(hint.unwrap_or_else(|| reference.name.clone()));
}

/// The versions, newest first, and back to the one before.
fn versions_ui(cx: &Cx<'_>, product: &Product, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    ui.horizontal(|ui| {
        heading(ui, tr("Versions"));
        let can_undo = product.version().parent.is_some() && !cx.state.inspection.is_learning();
        ui.add_enabled_ui(can_undo, |ui| {
            if widgets::button(ui, widgets::Kind::Plain, icons::UNDO, tr("Back to the version before")).clicked() {
                cx.inspect(InspectCommand::Change(ProductChange::Undo));
            }
        });
    });
    for version in product.versions().iter().rev() {
        let is_current = version.number == product.version().number;
        let color = if is_current { tokens.text } else { tokens.muted };
        let mark = if is_current { format!(" · {}", tr("in use")) } else { String::new() };
        // The first one is made by the library, which speaks no language of the window's.
        let reason = if version.parent.is_none() { tr("made") } else { version.reason.as_str() };
        let line = format!("{} · {} · {reason}{mark}", version.number, version.made);
        ui.label(RichText::new(line).font(font::small()).color(color));
    }
}

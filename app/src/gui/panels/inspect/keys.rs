//! Keys of the page: one hand on the keyboard goes through a list of parts.

use egui::{Event, Key, Ui};
use jiff::Timestamp;

use super::canvas::LargeView;
use crate::gui::inspect_command::{HeatEdit, InspectCommand};
use crate::gui::panels::{Cx, is_typing};
use crate::gui::state::{Beside, Ruling};

/// One press of + or − changes the opacity by so much.
const STEP: f32 = 0.1;

/// Sends what the keys of this frame mean.
pub fn keys(cx: &Cx<'_>, canvas: &mut LargeView, ui: &Ui) {
    if is_typing(cx, ui) || cx.state.inspection.asked_path.is_some() {
        return;
    }
    let has_modifiers = ui.input(|input| input.modifiers.command || input.modifiers.alt);
    if has_modifiers {
        return;
    }
    let pressed = |keys: &[Key]| ui.input(|input| keys.iter().any(|key| input.key_pressed(*key)));
    match () {
        () if pressed(&[Key::ArrowDown, Key::ArrowRight]) => cx.inspect(InspectCommand::Step(1)),
        () if pressed(&[Key::ArrowUp, Key::ArrowLeft]) => cx.inspect(InspectCommand::Step(-1)),
        () if pressed(&[Key::PageDown]) => cx.inspect(InspectCommand::Step(10)),
        () if pressed(&[Key::PageUp]) => cx.inspect(InspectCommand::Step(-10)),
        () if pressed(&[Key::Home]) => cx.inspect(InspectCommand::Step(isize::MIN)),
        () if pressed(&[Key::End]) => cx.inspect(InspectCommand::Step(isize::MAX)),
        () if pressed(&[Key::A]) => cx.inspect(InspectCommand::Decide(Ruling::Accepted, Timestamp::now())),
        () if pressed(&[Key::R]) => cx.inspect(InspectCommand::Decide(Ruling::Rejected, Timestamp::now())),
        () if pressed(&[Key::U]) => cx.inspect(InspectCommand::UndoDecision),
        () if pressed(&[Key::H]) => cx.inspect(InspectCommand::Heat(HeatEdit::Toggle)),
        () if pressed(&[Key::B]) => cx.inspect(InspectCommand::ShowBeside(after(cx.state.inspection.beside))),
        () if pressed(&[Key::Z]) => canvas.toggle_zoom(),
        () => {}
    }
    // Plus is another key on every keyboard.
    let typed = ui.input(|input| {
        let is = |sign: &str| input.events.iter().any(|event| matches!(event, Event::Text(text) if text == sign));
        (is("+"), is("-") || is("−"))
    });
    match typed {
        (true, _) => cx.inspect(InspectCommand::Heat(HeatEdit::MoreOpacity(STEP))),
        (_, true) => cx.inspect(InspectCommand::Heat(HeatEdit::MoreOpacity(-STEP))),
        _ => {}
    }
}

fn after(beside: Beside) -> Beside {
    match beside {
        Beside::Blink => Beside::Alone,
        _ => Beside::Blink,
    }
}

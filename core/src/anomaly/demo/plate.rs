//! The plate: where metal is and how it shines. In: a place on the table in millimetres. Out: its colour.

use super::defect::Defect;
use super::dice::{Dice, noise};

/// The table that the camera sees.
pub(super) const WIDTH_MM: f32 = 176.0;
pub(super) const HEIGHT_MM: f32 = 110.0;
/// The plate lies in its middle.
pub(super) const PLATE_MM: [f32; 2] = [160.0, 96.0];
/// How round its corners are.
const CORNER_MM: f32 = 5.0;
/// Drilled holes across and down.
const HOLES: [usize; 2] = [6, 3];
/// From one to the next.
const PITCH_MM: f32 = 20.0;
const RADIUS_MM: f32 = 3.4;
/// The holes that the plate is fixed by, one a corner.
const FIXING_RADIUS_MM: f32 = 4.6;
const FIXING_INSET_MM: f32 = 11.0;
/// The chamfer of a hole.
const RIM_MM: f32 = 0.9;

/// Brightness of the table, of metal and of a hole, in steps of 256.
const TABLE: f32 = 38.0;
const METAL: f32 = 158.0;
const HOLE: f32 = 26.0;

/// A round hole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Hole {
    pub centre: [f32; 2],
    pub radius: f32,
}

/// The holes of a plate as it should be, in millimetres from the plate's middle; those of the pattern first.
pub(super) fn holes() -> Vec<Hole> {
    let along = |at: usize, count: usize| (at as f32 - (count as f32 - 1.0) / 2.0) * PITCH_MM;
    let drilled = (0..HOLES[0] * HOLES[1])
        .map(|at| Hole { centre: [along(at % HOLES[0], HOLES[0]), along(at / HOLES[0], HOLES[1])], radius: RADIUS_MM });
    let [x, y] = PLATE_MM.map(|side| side / 2.0 - FIXING_INSET_MM);
    let fixing = [[-x, -y], [x, -y], [-x, y], [x, y]].map(|centre| Hole { centre, radius: FIXING_RADIUS_MM });
    drilled.chain(fixing).collect()
}

/// How many of [`holes`] belong to the pattern.
pub(super) const DRILLED: usize = HOLES[0] * HOLES[1];

/// A plate as it lies under the camera.
pub(super) struct Plate {
    shift_mm: [f32; 2],
    turn: f32,
    light: f32,
    /// Where the light is brightest, and by how much it falls off.
    bright_at: f32,
    tilt: f32,
    grain: u64,
    holes: Vec<Hole>,
}

impl Plate {
    pub fn new(dice: &mut Dice) -> Self {
        Self {
            shift_mm: [dice.between(-0.7, 0.7), dice.between(-0.7, 0.7)],
            turn: dice.between(-0.5, 0.5).to_radians(),
            light: dice.between(0.96, 1.04),
            bright_at: dice.between(-20.0, 20.0),
            tilt: dice.between(-0.03, 0.03),
            grain: dice.next(),
            holes: holes(),
        }
    }

    /// The colour of a place of the table, edges softened over a pixel.
    pub fn colour(&self, place: [f32; 2], mm_per_px: f32, defect: Option<&Defect>) -> [f32; 3] {
        let [x, y] = [place[0] - WIDTH_MM / 2.0 - self.shift_mm[0], place[1] - HEIGHT_MM / 2.0 - self.shift_mm[1]];
        let (sine, cosine) = self.turn.sin_cos();
        let on_plate = [cosine * x + sine * y, cosine * y - sine * x];
        let soft = |distance: f32| soft(distance, mm_per_px);
        let mut outside = outside_plate(on_plate);
        if let Some(defect) = defect {
            outside = outside.max(defect.broken_off(on_plate));
        }
        let table = [TABLE + 5.0 * noise(9, [place[0] / 1.3, place[1] / 1.3]); 3];
        let table = table.map(|level| level * (1.0 - 0.5 * (1.0 - outside / 4.0).clamp(0.0, 1.0)));
        let metal = self.metal(on_plate, defect);
        let metal = defect.map_or(metal, |defect| defect.over(metal, on_plate, mm_per_px));
        let mut colour = mixed(table, metal, soft(outside));
        for (at, hole) in self.holes.iter().enumerate() {
            let Some(hole) = defect.map_or(Some(*hole), |defect| defect.hole(at, *hole)) else { continue };
            colour = self.drilled(colour, on_plate, hole, mm_per_px);
        }
        colour
    }

    /// Brushed metal: long streaks along x, broad reflexes.
    fn metal(&self, [x, y]: [f32; 2], defect: Option<&Defect>) -> [f32; 3] {
        let streaks = [(46.0, 0.34, 7.0), (17.0, 0.22, 5.0), (5.0, 0.16, 3.5)];
        let grain: f32 =
            streaks.iter().map(|(long, short, level)| level * noise(self.grain, [x / long, y / short])).sum();
        let reflex = 1.0 + 0.09 * ((x - self.bright_at) / 34.0).cos() + self.tilt * y / 48.0;
        let bevel = 14.0 * (1.0 + outside_plate([x, y]) / 1.2).clamp(0.0, 1.0);
        let relief = defect.map_or(0.0, |defect| defect.relief([x, y]));
        let level = self.light * (METAL * reflex + grain + bevel) + relief;
        [level * 0.985, level, level * 1.02]
    }

    fn drilled(&self, below: [f32; 3], place: [f32; 2], hole: Hole, mm_per_px: f32) -> [f32; 3] {
        let [x, y] = [place[0] - hole.centre[0], place[1] - hole.centre[1]];
        let distance = x.hypot(y) - hole.radius;
        if distance > RIM_MM + mm_per_px {
            return below;
        }
        let soft = |distance: f32| soft(distance, mm_per_px);
        // Light from the upper left: the chamfer shines where it faces it.
        let facing = (x + y) / x.hypot(y).max(1e-3);
        let rim = below.map(|level| level + self.light * 34.0 * facing);
        let depth = [HOLE + 6.0 * (y / hole.radius).clamp(-1.0, 1.0); 3];
        mixed(mixed(below, rim, soft(distance - RIM_MM)), depth, soft(distance))
    }
}

/// How far outside of the plate a place is, in millimetres; less than 0 on it.
pub(super) fn outside_plate([x, y]: [f32; 2]) -> f32 {
    let beyond = [x.abs() - PLATE_MM[0] / 2.0 + CORNER_MM, y.abs() - PLATE_MM[1] / 2.0 + CORNER_MM];
    let corner = beyond[0].max(0.0).hypot(beyond[1].max(0.0));
    corner + beyond[0].max(beyond[1]).min(0.0) - CORNER_MM
}

/// The share of a pixel that lies within an edge, by the distance of its middle from it.
pub(super) fn soft(distance: f32, mm_per_px: f32) -> f32 {
    (0.5 - distance / mm_per_px).clamp(0.0, 1.0)
}

/// `share` of the second colour.
pub(super) fn mixed(first: [f32; 3], second: [f32; 3], share: f32) -> [f32; 3] {
    [0, 1, 2].map(|at| first[at] + share * (second[at] - first[at]))
}

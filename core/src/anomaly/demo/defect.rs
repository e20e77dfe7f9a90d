//! The defects of a plate. In: a place on the plate in millimetres. Out: what the defect makes of it there. Each kind
//! changes a hole, the edge, the relief or the colour, and leaves all else as it is.

use super::dice::{Dice, noise};
use super::plate::{DRILLED, Hole, PLATE_MM, holes, mixed, soft};

/// A kind of defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefectKind {
    /// A bright line across the grain.
    Scratch,
    /// A dark, jagged line from a hole.
    Crack,
    /// A bump that light and shadow show.
    Dent,
    /// A dark cloud.
    Stain,
    /// Brown specks.
    Rust,
    /// A hole that was not drilled.
    MissingHole,
    /// A hole at a wrong place.
    MisplacedHole,
    /// A piece broken off the edge.
    Chip,
}

/// Every kind. A new one is a variant, a line here, and what it changes.
pub const DEFECT_KINDS: [DefectKind; 8] = [
    DefectKind::Scratch,
    DefectKind::Crack,
    DefectKind::Dent,
    DefectKind::Stain,
    DefectKind::Rust,
    DefectKind::MissingHole,
    DefectKind::MisplacedHole,
    DefectKind::Chip,
];

impl DefectKind {
    /// The name of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scratch => "scratch",
            Self::Crack => "crack",
            Self::Dent => "dent",
            Self::Stain => "stain",
            Self::Rust => "rust",
            Self::MissingHole => "missing_hole",
            Self::MisplacedHole => "misplaced_hole",
            Self::Chip => "chip",
        }
    }
}

/// Corners of the line that a scratch or a crack follows.
const CORNERS: usize = 9;
/// Defects of the surface keep so far from the edge.
const INSET_MM: f32 = 14.0;

/// A defect of one part.
pub(super) struct Defect {
    kind: DefectKind,
    centre: [f32; 2],
    /// Its reach: a radius, or half the width of a line.
    size_mm: f32,
    /// How strong it is, in steps of 256 or as a share.
    strength: f32,
    line: Vec<[f32; 2]>,
    /// The hole that it is about, and by how much that is moved.
    hole: (usize, [f32; 2]),
    seed: u64,
}

impl Defect {
    pub fn new(kind: DefectKind, dice: &mut Dice) -> Self {
        let [x, y] = PLATE_MM.map(|side| side / 2.0 - INSET_MM);
        let centre = [dice.between(-x, x), dice.between(-y, y)];
        let hole = dice.below(DRILLED);
        let turn = dice.between(0.0, std::f32::consts::TAU);
        let moved = dice.between(1.8, 3.2);
        let mut defect = Self {
            kind,
            centre,
            size_mm: 0.0,
            strength: 0.0,
            line: Vec::new(),
            hole: (hole, [moved * turn.cos(), moved * turn.sin()]),
            seed: dice.next(),
        };
        match kind {
            DefectKind::Scratch => {
                defect.line = line(centre, turn, dice.between(16.0, 40.0), 0.06, dice);
                (defect.size_mm, defect.strength) = (dice.between(0.25, 0.5), dice.between(45.0, 75.0));
            }
            DefectKind::Crack => {
                let Hole { centre, radius } = holes()[hole];
                let start = [centre[0] + radius * turn.cos(), centre[1] + radius * turn.sin()];
                defect.line = line(start, turn, dice.between(8.0, 16.0), 0.3, dice);
                (defect.size_mm, defect.strength) = (dice.between(0.25, 0.45), dice.between(70.0, 110.0));
            }
            DefectKind::Dent => (defect.size_mm, defect.strength) = (dice.between(3.0, 6.0), dice.between(40.0, 70.0)),
            DefectKind::Stain => (defect.size_mm, defect.strength) = (dice.between(5.0, 9.0), dice.between(0.16, 0.3)),
            DefectKind::Rust => (defect.size_mm, defect.strength) = (dice.between(4.0, 8.0), dice.between(0.5, 0.8)),
            DefectKind::Chip => {
                defect.centre = on_edge(dice);
                defect.size_mm = dice.between(2.5, 5.0);
            }
            DefectKind::MissingHole | DefectKind::MisplacedHole => {}
        }
        defect
    }

    /// What becomes of a hole.
    pub fn hole(&self, at: usize, hole: Hole) -> Option<Hole> {
        match self.kind {
            DefectKind::MissingHole if at == self.hole.0 => None,
            DefectKind::MisplacedHole if at == self.hole.0 => {
                let centre = [hole.centre[0] + self.hole.1[0], hole.centre[1] + self.hole.1[1]];
                Some(Hole { centre, ..hole })
            }
            _ => Some(hole),
        }
    }

    /// More than 0 where a piece of the plate is gone.
    pub fn broken_off(&self, place: [f32; 2]) -> f32 {
        if self.kind == DefectKind::Chip { -self.outside_blob(place, 0.35) } else { f32::MIN }
    }

    /// What the slope of the surface does to the light.
    pub fn relief(&self, place: [f32; 2]) -> f32 {
        if self.kind != DefectKind::Dent {
            return 0.0;
        }
        let [x, y] = self.to_centre(place);
        // The slope of a round bump towards the light in the upper left; its largest value is 1.
        let slope = (x + y) / self.size_mm * (-(x * x + y * y) / (self.size_mm * self.size_mm)).exp() * 1.166;
        self.strength * slope
    }

    /// What it makes of the colour of the surface.
    pub fn over(&self, colour: [f32; 3], place: [f32; 2], mm_per_px: f32) -> [f32; 3] {
        let soft = |distance: f32| soft(distance, mm_per_px);
        match self.kind {
            DefectKind::Scratch => {
                let distance = self.to_line(place);
                let burr = self.to_line([place[0] - 0.5, place[1] - 0.5]);
                let lit = self.strength * soft(distance - self.size_mm);
                let shade = 0.5 * self.strength * soft(burr - self.size_mm);
                colour.map(|level| level + lit - shade)
            }
            DefectKind::Crack => {
                let dark = self.strength * soft(self.to_line(place) - self.size_mm);
                colour.map(|level| (level - dark).max(12.0))
            }
            DefectKind::Stain => {
                let share = (-self.outside_blob(place, 0.3) / 2.0).clamp(0.0, 1.0) * self.strength;
                mixed(colour, [58.0, 50.0, 44.0], share)
            }
            DefectKind::Rust => {
                let within = (-self.outside_blob(place, 0.4) / self.size_mm).clamp(0.0, 1.0);
                let specks = (2.0 * (within + noise(self.seed ^ 1, place.map(|at| at / 0.9)))).clamp(0.0, 1.0);
                mixed(colour, [134.0, 74.0, 36.0], self.strength * specks * (5.0 * within).min(1.0))
            }
            _ => colour,
        }
    }

    fn to_centre(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        [x - self.centre[0], y - self.centre[1]]
    }

    /// How far outside of a round cloud a place is, whose edge is as ragged as `raggedness` says.
    fn outside_blob(&self, place: [f32; 2], raggedness: f32) -> f32 {
        let [x, y] = self.to_centre(place);
        let ragged = noise(self.seed, [place[0] / (0.6 * self.size_mm), place[1] / (0.6 * self.size_mm)]);
        x.hypot(y) - self.size_mm * (1.0 + raggedness * ragged)
    }

    fn to_line(&self, place: [f32; 2]) -> f32 {
        self.line.windows(2).map(|ends| to_segment(place, ends[0], ends[1])).fold(f32::MAX, f32::min)
    }
}

/// A line from `start` that leaves its direction by at most `wander` radians at every corner.
fn line(start: [f32; 2], mut turn: f32, length: f32, wander: f32, dice: &mut Dice) -> Vec<[f32; 2]> {
    let step = length / (CORNERS - 1) as f32;
    let mut line = vec![start];
    let mut at = start;
    for _ in 1..CORNERS {
        turn += dice.between(-wander, wander);
        at = [at[0] + step * turn.cos(), at[1] + step * turn.sin()];
        line.push(at);
    }
    line
}

/// A place on the plate's edge, away from the corners.
fn on_edge(dice: &mut Dice) -> [f32; 2] {
    let [x, y] = PLATE_MM.map(|side| side / 2.0);
    let along = dice.between(-0.8, 0.8);
    [[along * x, -y], [along * x, y], [-x, along * y], [x, along * y]][dice.below(4)]
}

fn to_segment(place: [f32; 2], start: [f32; 2], end: [f32; 2]) -> f32 {
    let along = [end[0] - start[0], end[1] - start[1]];
    let to = [place[0] - start[0], place[1] - start[1]];
    let length = (along[0] * along[0] + along[1] * along[1]).max(1e-6);
    let share = ((to[0] * along[0] + to[1] * along[1]) / length).clamp(0.0, 1.0);
    (to[0] - share * along[0]).hypot(to[1] - share * along[1])
}

#[cfg(test)]
mod tests {
    use super::super::plate::outside_plate;
    use super::*;

    #[test]
    fn every_kind_has_a_folder_of_its_own() {
        let mut names: Vec<&str> = DEFECT_KINDS.iter().map(|kind| kind.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 8);
    }

    #[test]
    fn the_distance_to_a_line_ends_at_its_ends() {
        assert_eq!(to_segment([0.0, 2.0], [-1.0, 0.0], [1.0, 0.0]), 2.0);
        assert_eq!(to_segment([4.0, 4.0], [-1.0, 0.0], [1.0, 0.0]), 5.0);
    }

    #[test]
    fn chips_are_at_the_edge() {
        let mut dice = Dice::new(1);
        assert!((0..50).all(|_| outside_plate(on_edge(&mut dice)).abs() < 1e-3));
    }
}

//! Places on the colour scale → colours. In: 0 to 1. Out: a colour with its own transparency. The same tables fill the
//! texture of the map's shader and the legend beside it. Knows no score.

use egui::Color32;
use sightline_core::anomaly::report::inferno;

/// A colour table of the map.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Table {
    /// Black over purple and orange to pale yellow: the table of the reports.
    #[default]
    Inferno,
    /// Blue over green to red.
    Turbo,
    /// Violet over green to yellow.
    Viridis,
    /// Red, the less the more transparent.
    Red,
}

/// Every table, in the order of the shader's rows, and its name.
pub const TABLES: [(Table, &str); 4] =
    [(Table::Inferno, "Inferno"), (Table::Turbo, "Turbo"), (Table::Viridis, "Viridis"), (Table::Red, "Red")];

/// Colours of a table on the graphics card.
pub const STEPS: usize = 256;

/// Turbo by its author's polynomial (Mikhailov 2019, Apache-2.0).
const TURBO: [[f32; 3]; 6] = [
    [0.135_721_38, 0.091_402_61, 0.106_673_3],
    [4.615_392_6, 2.194_188_4, 12.641_946],
    [-42.660_32, 4.842_966_6, -60.582_047],
    [132.131_08, -14.185_033, 110.362_77],
    [-152.942_39, 4.277_298_6, -89.903_11],
    [59.286_38, 2.829_566, 27.348_25],
];

/// Viridis of matplotlib by a polynomial (Zucker 2019, CC0).
const VIRIDIS: [[f32; 3]; 7] = [
    [0.277_727_33, 0.005_407_344_6, 0.334_099_8],
    [0.105_093_04, 1.404_613_5, 1.384_590_2],
    [-0.330_861_83, 0.214_847_56, 0.095_095_16],
    [-4.634_230_5, -5.799_101, -19.332_441],
    [6.228_27, 14.179_933, 56.690_55],
    [4.776_385, -13.745_146, -65.353_03],
    [-5.435_456, 4.645_853, 26.312_435],
];

/// The colour at a place of the scale, not premultiplied.
pub fn colour(table: Table, place: f32) -> Color32 {
    let place = place.clamp(0.0, 1.0);
    let [r, g, b] = match table {
        Table::Inferno => inferno(place),
        Table::Turbo => polynomial(&TURBO, place),
        Table::Viridis => polynomial(&VIRIDIS, place),
        Table::Red => return Color32::from_rgba_unmultiplied(235, 38, 30, (255.0 * place) as u8),
    };
    Color32::from_rgb(r, g, b)
}

/// All tables as rows of a texture: red, green, blue, alpha.
pub fn texels() -> Vec<u8> {
    let step =
        |table| (0..STEPS).flat_map(move |at| colour(table, at as f32 / (STEPS - 1) as f32).to_srgba_unmultiplied());
    TABLES.iter().flat_map(|(table, _)| step(*table)).collect()
}

fn polynomial(coefficients: &[[f32; 3]], place: f32) -> [u8; 3] {
    [0, 1, 2].map(|channel| {
        let value = coefficients.iter().rev().fold(0.0, |sum, powers| sum * place + powers[channel]);
        (255.0 * value).round().clamp(0.0, 255.0) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(table: Table, place: f32, expected: [u8; 3]) {
        let [r, g, b, _] = colour(table, place).to_srgba_unmultiplied();
        // Turbo's polynomial is its author's own, and that far from his table in the middle.
        let most = if table == Table::Turbo { 21 } else { 9 };
        assert!([r, g, b].iter().zip(expected).all(|(a, b)| a.abs_diff(b) < most), "{r} {g} {b}");
    }

    #[test]
    fn tables_are_those_of_their_authors() {
        // matplotlib.colormaps[name](place)
        check(Table::Inferno, 0.5, [188, 55, 84]);
        check(Table::Viridis, 0.0, [68, 1, 84]);
        check(Table::Viridis, 0.5, [33, 145, 140]);
        check(Table::Viridis, 1.0, [253, 231, 37]);
        check(Table::Turbo, 0.5, [164, 252, 60]);
        check(Table::Turbo, 0.25, [40, 187, 235]);
    }

    #[test]
    fn red_grows_more_opaque_and_places_beyond_the_ends_are_the_ends() {
        assert_eq!((colour(Table::Red, 0.0).a(), colour(Table::Red, 9.0).a()), (0, 255));
        assert_eq!(colour(Table::Turbo, -3.0), colour(Table::Turbo, 0.0));
    }

    #[test]
    fn every_table_is_a_row_of_the_texture() {
        assert_eq!(texels().len(), TABLES.len() * STEPS * 4);
    }
}

//! Scores as colours. In: a place on the scale, 0 to 1. Out: a colour. Knows no score.

/// The colour table "inferno" of matplotlib (van der Walt and Smith, CC0), by a polynomial of degree six (Zucker 2019, CC0).
pub fn inferno(place: f32) -> [u8; 3] {
    const COEFFICIENTS: [[f32; 3]; 7] = [
        [0.000_218_94, 0.001_651, -0.019_480_9],
        [0.106_513_4, 0.563_956_4, 3.932_712_4],
        [11.602_493, -3.972_854, -15.942_394],
        [-41.703_995, 17.436_398, 44.354_145],
        [77.162_94, -33.402_36, -81.807_31],
        [-71.319_43, 32.626_064, 73.209_52],
        [25.131_126, -12.242_669, -23.070_325],
    ];
    let place = place.clamp(0.0, 1.0);
    [0, 1, 2].map(|channel| {
        let value = COEFFICIENTS.iter().rev().fold(0.0, |sum, coefficients| sum * place + coefficients[channel]);
        (255.0 * value).round().clamp(0.0, 255.0) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_runs_from_black_to_pale_yellow() {
        let (dark, middle, bright) = (inferno(0.0), inferno(0.5), inferno(9.0));
        assert!(dark.iter().all(|value| *value < 10), "{dark:?}");
        // matplotlib.colormaps["inferno"](0.5) = (188, 55, 84)
        assert!(middle.iter().zip([188_u8, 55, 84]).all(|(a, b)| a.abs_diff(b) < 6), "{middle:?}");
        assert!(bright[0] > 245 && bright[1] > 245 && bright[2] > 150, "{bright:?}");
        assert_eq!(inferno(f32::NAN), inferno(f32::NAN));
    }
}

//! How a picture was exposed. In: the EXIF directory. Out: time, aperture, focal length, sensitivity; what is missing or
//! makes no sense is `None`. Never fails.

use serde::{Deserialize, Serialize};

use super::ifd::Directory;

/// What the camera was set to, by Exif 2.32.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Exposure {
    /// How long the shutter was open, in seconds.
    pub seconds: Option<f32>,
    /// Focal length over the diameter of the opening.
    pub f_number: Option<f32>,
    /// Focal length in millimetres, as it is and not as if the sensor were larger.
    pub focal_length: Option<f32>,
    /// Sensitivity by ISO 12232.
    pub iso: Option<u32>,
}

impl Exposure {
    /// What the EXIF directory says.
    pub(super) fn of(exif: &Directory<'_>) -> Self {
        let ratio = |tag: u16, most: f64| {
            // A zero is what cameras write that do not know: a lens without contacts, a bulb exposure.
            let number = exif.ratios(tag).first().copied().filter(|number| *number > 0.0 && *number <= most);
            number.map(|number| number as f32)
        };
        Self {
            seconds: ratio(0x829a, 86_400.0),
            f_number: ratio(0x829d, 1000.0),
            focal_length: ratio(0x920a, 100_000.0),
            iso: exif.number(0x8827).filter(|iso| (1..=10_000_000).contains(iso)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::ifd::Tiff;

    /// A TIFF whose only directory has these tags: numbers of the kind SHORT, ratios of the kind RATIONAL.
    fn tiff(numbers: &[(u16, u16)], ratios: &[(u16, [u32; 2])]) -> Vec<u8> {
        let count = numbers.len() + ratios.len();
        let mut bytes = [b"II\x2a\0\x08\0\0\0".as_slice(), &(count as u16).to_le_bytes()].concat();
        for (tag, number) in numbers {
            bytes.extend([tag.to_le_bytes(), 3_u16.to_le_bytes()].concat());
            bytes.extend([1_u32, u32::from(*number)].map(u32::to_le_bytes).concat());
        }
        let values = 8 + 2 + 12 * count + 4;
        for (index, (tag, _)) in ratios.iter().enumerate() {
            bytes.extend([tag.to_le_bytes(), 5_u16.to_le_bytes()].concat());
            bytes.extend([1, (values + 8 * index) as u32].map(u32::to_le_bytes).concat());
        }
        bytes.extend([0; 4]);
        ratios.iter().flat_map(|(_, ratio)| ratio).for_each(|part| bytes.extend(part.to_le_bytes()));
        bytes
    }

    #[track_caller]
    fn check(numbers: &[(u16, u16)], ratios: &[(u16, [u32; 2])], expected: Exposure) {
        let bytes = tiff(numbers, ratios);
        let directory = Tiff::new(&bytes).and_then(|tiff| tiff.first()).unwrap();
        assert_eq!(Exposure::of(&directory), expected);
    }

    #[test]
    fn what_the_camera_was_set_to_is_read() {
        let ratios = [(0x829a, [1, 250]), (0x829d, [28, 10]), (0x920a, [35, 1])];
        let (seconds, f_number, focal_length) = (Some(0.004), Some(2.8), Some(35.0));
        check(&[(0x8827, 400)], &ratios, Exposure { seconds, f_number, focal_length, iso: Some(400) });
    }

    #[test]
    fn zeros_and_nonsense_are_nothing() {
        let ratios = [(0x829a, [1, 0]), (0x829d, [0, 10]), (0x920a, [u32::MAX, 1])];
        check(&[(0x8827, 0)], &ratios, Exposure::default());
        check(&[], &[], Exposure::default());
    }
}

//! A home with a folder of pictures and a place for a library, gone when the test is over.

use std::path::PathBuf;

use image::{Rgb, RgbImage};
use tempfile::TempDir;

/// A home with numbered pictures, no two alike.
pub struct Home {
    /// Where everything lies.
    pub folder: TempDir,
}

impl Home {
    pub fn with_pictures(count: u32) -> Self {
        let home = Self { folder: TempDir::new().unwrap() };
        fs_err::create_dir_all(home.pictures()).unwrap();
        (0..count).for_each(|number| home.draw(number));
        home
    }

    pub fn pictures(&self) -> PathBuf {
        self.folder.path().join("pictures")
    }

    pub fn library(&self) -> PathBuf {
        self.folder.path().join("library")
    }

    pub fn picture(&self, number: u32) -> PathBuf {
        self.pictures().join(format!("{number:03}.png"))
    }

    pub fn draw(&self, number: u32) {
        let [red, green, blue] = [number * 41, number * 97, number * 7].map(|value| (value % 256) as u8);
        let ring = 3 + number % 20;
        let picture = RgbImage::from_fn(80, 60, |x, y| {
            if ((x + y) / ring).is_multiple_of(2) { Rgb([red, green, blue]) } else { Rgb([255 - red; 3]) }
        });
        picture.save(self.picture(number)).unwrap();
    }
}

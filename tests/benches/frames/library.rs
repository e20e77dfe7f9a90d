//! A large library without the work of indexing one: small pictures, recorded with vectors by chance.

use std::path::Path;

use image::{Rgb, RgbImage};
use sightline_core::Result;
use sightline_core::index::{ContentHash, FileRecord, FolderRecord, Indexed, PhotoRecord, Store};
use sightline_core::jobs::Ticker;
use sightline_core::library::scan;
use sightline_core::media::is_picture_path;
use sightline_core::models::{self, UnitVector};

/// `n` small JPEGs, no two alike, 500 a folder.
pub fn draw(folder: &Path, n: usize) -> Result<()> {
    let scenes: Vec<Vec<u8>> = (0..50).map(scene).collect();
    for number in 0..n {
        let month = folder.join(format!("{:04}", number / 500));
        if number % 500 == 0 {
            fs_err::create_dir_all(&month)?;
        }
        // What follows the end of a JPEG is not looked at, and makes another content of it.
        let content = [&scenes[number % scenes.len()][..], &number.to_le_bytes()].concat();
        fs_err::write(month.join(format!("IMG_{number:06}.jpg")), content)?;
    }
    Ok(())
}

fn scene(number: u32) -> Vec<u8> {
    let pixel =
        |x: u32, y: u32| Rgb([(x + 5 * number) as u8, (2 * y + number) as u8, ((x * y) / 40 + 9 * number) as u8]);
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::from_fn(240, 160, pixel).write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

/// Records the files of a folder as if they had been indexed, with vectors by chance.
pub fn record(library: &Path, folder: &Path) -> Result<()> {
    let model = models::load(&models::starter())?;
    let (identity, dim) = (model.identity().clone(), model.dim());
    let store = Store::open(library)?.store;
    let added = FolderRecord::new(folder.to_owned());
    store.add_folder(&added)?;
    let mut state = 7_u64;
    let mut chance = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let found = scan(&[added], is_picture_path, &Ticker::silent())?.found;
    for (batch, files) in found.chunks(64).enumerate() {
        let indexed: Vec<Indexed> = files
            .iter()
            .enumerate()
            .map(|(at, found)| {
                let hash = ContentHash::of(&fs_err::read(&found.path).unwrap());
                let taken = Some(1_600_000_000 + 3_600 * (64 * batch + at) as i64);
                let (format, camera) = ("jpeg".to_owned(), Some("FUJIFILM X-T30".to_owned()));
                let (lens, exposure, position) = (None, Default::default(), None);
                let photo = PhotoRecord { width: 240, height: 160, format, taken, camera, lens, exposure, position };
                let vector = UnitVector::normalised((0..dim).map(|_| chance()).collect());
                let path = found.path.clone();
                let file = FileRecord {
                    path,
                    size: found.size,
                    modified_ns: found.modified_ns,
                    hash: Some(hash),
                    problem: None,
                };
                Indexed { file, photo: Some(photo), vector }
            })
            .collect();
        store.record(&identity, &indexed)?;
    }
    store.flush()
}

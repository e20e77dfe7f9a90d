//! Putting a library in order, through the engine: duplicates, tags that are learnt, the map, where a word is in a photo.
//! In: pictures drawn here, and the photos of SIGHTLINE_DATA. Out: promises, and figures with floors a little under them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};
use sightline_core::engine::{Chip, Engine, LearnRequest, LiveMap, Made, Precision, Settings, Subject};
use sightline_core::index::{ContentHash, Marks, Snapshot};
use sightline_core::jobs::Ticker;
use sightline_core::search::{Alike, Filter, Group, Likeness, Reason};
use sightline_tests::data_dir;
use tempfile::TempDir;

fn engine(library: &Path) -> Engine {
    Engine::open(Settings { library: library.to_owned(), model: None, precision: Precision::Auto }).unwrap()
}

/// Hills of colour, no two numbers alike.
fn scene(number: u32, width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y, n) = (x as f32 / width as f32, y as f32 / height as f32, number as f32);
        let wave = |a: f32, b: f32| (((x * a + n).sin() + (y * b - n).cos() + 2.0) * 63.0) as u8;
        Rgb([wave(3.0 + n, 5.0), wave(9.0, 4.0 + n), wave(2.0, 7.0 + 2.0 * n)])
    })
}

/// A library of five scenes, one of them copied and one of them saved again smaller.
fn drawn() -> (TempDir, Engine) {
    let folder = TempDir::new().unwrap();
    let photos = folder.path().join("photos");
    fs_err::create_dir_all(&photos).unwrap();
    (0..5).for_each(|number| scene(number, 240, 180).save(photos.join(format!("{number}.png"))).unwrap());
    fs_err::copy(photos.join("1.png"), photos.join("copy.png")).unwrap();
    scene(3, 160, 120).save(photos.join("small.jpg")).unwrap();
    let engine = engine(&folder.path().join("library"));
    engine.index(&[photos], &Ticker::silent()).unwrap();
    (folder, engine)
}

fn name(snapshot: &Snapshot, entry: u32) -> String {
    snapshot.entries[entry as usize].path.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn copies_and_pictures_saved_again_are_found_and_told_apart() {
    let (_folder, engine) = drawn();
    let alike = Alike { level: Likeness::SamePicture, ..Alike::default() };
    // The second time from the cache of fingerprints.
    for _ in 0..2 {
        let report = engine.duplicates(&alike, &Ticker::silent()).unwrap();
        let mut found: Vec<(Likeness, Reason, Vec<String>)> = report
            .groups
            .iter()
            .map(|g| (g.likeness, g.why, g.members.iter().map(|m| name(&report.snapshot, m.entry)).collect()))
            .collect();
        found.sort_by_key(|(likeness, ..)| *likeness);
        let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].0, found[0].2.len()), (Likeness::Exact, 2));
        assert_eq!(found[1], (Likeness::SamePicture, Reason::MostPixels, names(["3.png", "small.jpg"])));
        assert_eq!(report.unseen, 0);
    }
    assert_eq!(engine.snapshot().entries.len(), 7, "nothing is deleted");
}

#[test]
fn marks_show_at_once_and_are_undone() {
    let (folder, engine) = drawn();
    let hash = engine.snapshot().entries[0].hash;
    let marks = Marks { is_favourite: true, rating: 4, tags: vec!["sea".to_owned()], note: String::new() };
    let undo = engine.make(vec![Made::Marks(hash, marks)]).unwrap();
    let favourites = Filter { favourites_only: true, ..Filter::default() };
    let rated = |stars: u8| Filter { least_stars: stars, ..Filter::default() };
    let count = |filter: &Filter| engine.facets(filter).total;
    assert_eq!((count(&favourites), count(&rated(4)), count(&rated(5))), (1, 1, 0));
    assert_eq!(engine.facets(&Filter::default()).tags[0].value, "sea");
    engine.make(undo).unwrap();
    assert_eq!((count(&favourites), count(&rated(1))), (0, 0));
    drop(engine);
    assert_eq!(self::engine(&folder.path().join("library")).marks(&hash), Marks::default());
}

#[test]
fn a_map_has_a_place_for_every_photo_and_gets_better_while_it_is_watched() {
    let (_folder, engine) = drawn();
    let first = engine.map(&Ticker::silent()).unwrap();
    assert_eq!(first.map.places.len(), 6, "copies are one photo");
    assert!((0..6).all(|index| first.entry(index).is_some()));
    let live = LiveMap::default();
    let better = engine.refined_map(&first, &live, &Ticker::silent()).unwrap();
    assert_eq!(better.map.rows, first.map.rows);
}

#[test]
fn a_photo_says_where_a_word_is_and_which_words_count() {
    let (folder, engine) = drawn();
    let path = folder.path().join("photos/0.png");
    let text = Chip { subject: Subject::Text("a green hill".to_owned()), weight: 1.0 };
    let explained = engine.explain(&path, &text).unwrap();
    // 240 × 180 at twice the model's 128 pixels, in places of 32.
    assert_eq!((explained.grid.columns, explained.grid.rows, explained.grid.values.len()), (8, 6, 48));
    assert!(explained.grid.values.iter().all(|value| value.is_finite() && value.abs() < 2.0));
    let words: Vec<&str> = explained.words.iter().map(|word| word.word.as_str()).collect();
    assert_eq!(words, ["a", "green", "hill"]);
    let picture = Chip { subject: Subject::Picture { path: path.clone(), region: None }, weight: 1.0 };
    let explained = engine.explain(&path, &picture).unwrap();
    assert!(explained.words.is_empty() && (explained.cosine - 1.0).abs() < 1e-3);
    assert!(explained.grid.values.iter().sum::<f32>().abs() < 1e-2, "its places add up to nothing");
}

/// How far a photo's best place stands out for the name of what it shows, and for another name: what the scale of the
/// window's cover is chosen by.
#[test]
fn a_name_stands_out_where_it_is_more_than_another() {
    let Some(data) = data_dir() else { return };
    let folder = TempDir::new().unwrap();
    let engine = engine(folder.path());
    let photos = data.join("photos/imagenet_sample");
    let rows = super::starter::rows(&photos.join("index.tsv"));
    let best = |file: &str, name: &str| {
        let chip = Chip { subject: Subject::Text(format!("a photo of a {name}")), weight: 1.0 };
        let grid = engine.explain(&photos.join(file), &chip).unwrap().grid;
        grid.values.into_iter().fold(f32::MIN, f32::max)
    };
    let asked: Vec<[f32; 2]> = rows
        .iter()
        .step_by(4)
        .zip(rows.iter().cycle().skip(2))
        .map(|(row, other)| [best(&row[0], &row[1]), best(&row[0], &other[1])])
        .collect();
    for (what, which) in [("its own name", 0), ("another", 1)] {
        let mut best: Vec<f32> = asked.iter().map(|both| both[which]).collect();
        best.sort_by(f32::total_cmp);
        let at = |share: usize| best[best.len() * share / 100];
        println!("the best place for {what}: median {:.3}, a tenth has more than {:.3}", at(50), at(90));
    }
    let right = asked.iter().filter(|[own, other]| own > other).count();
    println!("{right} of {} photos stand out more for their own name", asked.len());
    assert!(right * 10 > asked.len() * 6, "{right} of {}", asked.len());
}

/// All photos of the data in one library.
fn photos(data: &Path, library: &Path) -> Engine {
    let engine = engine(library);
    let folders: Vec<PathBuf> =
        ["clothing", "imagenet_sample", "coco_mini"].iter().map(|name| data.join("photos").join(name)).collect();
    engine.index(&folders, &Ticker::silent()).unwrap();
    engine
}

/// The photos of each class of clothes, by content, in the order of the table.
fn classes(data: &Path, snapshot: &Snapshot) -> BTreeMap<String, Vec<ContentHash>> {
    let folder = data.join("photos/clothing");
    let mut classes: BTreeMap<String, Vec<ContentHash>> = BTreeMap::new();
    for row in super::starter::rows(&folder.join("index.tsv")) {
        let path = fs_err::canonicalize(folder.join(&row[0])).unwrap();
        let entry = snapshot.entries.iter().find(|entry| entry.path == path);
        classes.entry(row[1].clone()).or_default().extend(entry.map(|entry| entry.hash));
    }
    classes
}

/// Five photos of a class are confirmed; of the first twenty suggestions, how many are of it? And with its name alone?
#[test]
fn five_photos_teach_a_tag() {
    let Some(data) = data_dir() else { return };
    let folder = TempDir::new().unwrap();
    let engine = photos(&data, folder.path());
    let classes = classes(&data, &engine.snapshot());
    let (mut sums, mut count) = ([0.0; 3], 0);
    for (class, members) in classes.iter().filter(|(_, members)| members.len() >= 17) {
        let precision = |tag: &str, confirmed: &[ContentHash]| {
            let request =
                LearnRequest { tag: tag.to_owned(), confirmed: confirmed.to_vec(), rejected: vec![], limit: 20 };
            let report = engine.learn(&request).unwrap();
            let hash = |entry: u32| report.snapshot.entries[entry as usize].hash;
            let right = report.suggestions.iter().filter(|s| members.contains(&hash(s.entry))).count();
            let best = 20.min(members.len() - confirmed.len());
            (right as f64 / best as f64, report.accuracy, report.alpha, report.milliseconds)
        };
        let (both, accuracy, alpha, milliseconds) = precision(class, &members[..5]);
        let (photos, ..) = precision("", &members[..5]);
        let (one, ..) = precision(class, &members[..1]);
        println!(
            "{class:<12} {:>3} photos: 5 and the name {both:.2}, 5 alone {photos:.2}, 1 and the name {one:.2}; accuracy \
             {accuracy:?}, alpha {alpha}, {milliseconds:.0} ms",
            members.len()
        );
        sums = [sums[0] + both, sums[1] + photos, sums[2] + one];
        count += 1;
    }
    let chance = 100.0 * 20.0 / engine.snapshot().entries.len() as f64;
    let [both, photos, one] = sums.map(|sum| 100.0 * sum / f64::from(count));
    println!(
        "{count} classes, precision@20: {both:.1} %, photos alone {photos:.1} %, one photo {one:.1} %; chance {chance:.1} %"
    );
    assert!(both > 3.0 * chance, "{both:.1} %");
}

/// How close photos are that show the same, and others: what the default of look-alikes is chosen by.
#[test]
fn look_alikes_are_closer_than_others() {
    let Some(data) = data_dir() else { return };
    let folder = TempDir::new().unwrap();
    let edits = folder.path().join("edits");
    fs_err::create_dir_all(&edits).unwrap();
    let mut originals = 0;
    for (number, row) in super::starter::rows(&data.join("photos/imagenet_sample/index.tsv")).iter().enumerate() {
        let picture = image::open(data.join("photos/imagenet_sample").join(&row[0])).unwrap().into_rgb8();
        if number % 5 == 0 {
            let (width, height) = picture.dimensions();
            let crop = image::imageops::crop_imm(&picture, width / 20, height / 20, width * 9 / 10, height * 9 / 10);
            crop.to_image().save(edits.join(format!("{number}.jpg"))).unwrap();
            originals += 1;
        }
    }
    let engine = engine(&folder.path().join("library"));
    engine.index(&[data.join("photos/imagenet_sample"), edits], &Ticker::silent()).unwrap();
    for closeness in [0.6, 0.7, 0.75, 0.8, 0.85, 0.9] {
        let report = engine.duplicates(&Alike { level: Likeness::LookAlike, closeness }, &Ticker::silent()).unwrap();
        let is_edit = |entry: u32| report.snapshot.entries[entry as usize].path.to_string_lossy().contains("edits");
        let right = report.groups.iter().filter(|group| group.members.iter().any(|m| is_edit(m.entry))).count();
        println!("closeness {closeness}: {right} of {originals} crops found, {} groups", report.groups.len());
        if closeness == Alike::default().closeness {
            assert!(right * 20 >= originals * 19, "{right} of {originals}");
            assert_eq!(report.groups.len(), right, "a group that no crop is in");
        }
    }
}

/// Clothes on floors and hangers: to the model many are alike, to the eye hardly any two.
#[test]
fn garments_of_one_kind_are_no_look_alikes() {
    let Some(data) = data_dir() else { return };
    let folder = TempDir::new().unwrap();
    let engine = engine(folder.path());
    engine.index(&[data.join("photos/clothing")], &Ticker::silent()).unwrap();
    let report = engine.duplicates(&Alike::default(), &Ticker::silent()).unwrap();
    let names = |group: &Group| -> Vec<String> {
        group.members.iter().map(|member| name(&report.snapshot, member.entry)).collect()
    };
    report.groups.iter().for_each(|group| println!("{:?} {:?}", group.likeness, names(group)));
    let alike = report.groups.iter().filter(|group| group.likeness == Likeness::LookAlike).count();
    assert!(alike <= 2, "{alike} groups among {} garments", report.snapshot.entries.len());
}

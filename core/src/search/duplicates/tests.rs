//! Groups of small libraries whose answer is known.

use std::sync::Arc;

use half::f16;
use image::{Rgb, RgbImage};
use proptest::prelude::*;

use super::*;
use crate::index::Vectors;
use crate::models::ModelIdentity;
use crate::search::hit::tests::entry;

/// A library whose photos are turned by degrees; a file named twice with the same row is a copy.
fn library(files: &[(&str, u32)], degrees: &[f32]) -> Snapshot {
    let direction = |d: &f32| [d.to_radians().cos(), d.to_radians().sin()].map(f16::from_f32);
    let values: Vec<f16> = degrees.iter().flat_map(direction).collect();
    let entries: Vec<Entry> = files.iter().map(|(path, row)| entry(path, Some(*row))).collect();
    let hashes = vec![ContentHash([0; 32]); degrees.len()];
    let identity = ModelIdentity { id: "toy".to_owned(), digest: "0".to_owned() };
    Snapshot::new(entries, Vectors::new(identity, 2, hashes, values).unwrap())
}

/// Stripes that tell one number from another.
fn fingerprint(number: u32) -> Fingerprint {
    Fingerprint::of(&RgbImage::from_fn(64, 64, |x, y| {
        let level = ((x * (number + 1) + y * (2 * number + 3)) % 64) * 3;
        Rgb([level as u8; 3])
    }))
}

/// Fingerprints of one scene that is brighter from photo to photo: they look alike, and are no one picture.
fn brighter(snapshot: &Snapshot) -> Fingerprints {
    let hill = |at: u32| ((at as f32 / 20.0).sin() * 60.0) as i32;
    let scene = |number: usize| {
        RgbImage::from_fn(64, 64, |x, y| {
            let level = |side: i32| (70 + side + 10 * (number as i32 % 8)).clamp(0, 255) as u8;
            Rgb([level(hill(x)), level(hill(y)), level(hill(x + y))])
        })
    };
    snapshot.entries.iter().enumerate().map(|(i, entry)| (entry.hash, Fingerprint::of(&scene(i)))).collect()
}

fn named(snapshot: &Snapshot, groups: &[Group]) -> Vec<String> {
    let path = |member: &Member| snapshot.entries[member.entry as usize].path.display().to_string();
    groups.iter().map(|group| group.members.iter().map(path).collect::<Vec<_>>().join(" ")).collect()
}

#[track_caller]
fn check(snapshot: &Snapshot, fingerprints: &Fingerprints, alike: &Alike, expected: &[&str]) -> Vec<Group> {
    let groups = duplicates(snapshot, fingerprints, alike, &Ticker::silent()).unwrap();
    assert_eq!(named(snapshot, &groups), expected);
    groups
}

fn level(level: Likeness) -> Alike {
    Alike { level, ..Alike::default() }
}

#[test]
fn copies_are_exact_and_the_first_by_path_is_kept() {
    let snapshot = library(&[("/b.jpg", 0), ("/a.jpg", 0), ("/c.jpg", 1)], &[0.0, 90.0]);
    let groups = check(&snapshot, &Fingerprints::new(), &level(Likeness::Exact), &["/a.jpg /b.jpg"]);
    assert_eq!((groups[0].likeness, groups[0].why), (Likeness::Exact, Reason::First));
}

#[test]
fn look_alikes_are_like_the_best_one_and_no_chain() {
    // Each is like the next (cos 20° = 0.94, cos 24° = 0.91), the ends are not alike (cos 44° = 0.72).
    let mut snapshot = library(&[("/a.jpg", 0), ("/b.jpg", 1), ("/c.jpg", 2)], &[0.0, 20.0, 44.0]);
    let fingerprints = brighter(&snapshot);
    let alike = Alike { closeness: 0.9, ..Alike::default() };
    check(&snapshot, &fingerprints, &alike, &["/a.jpg /b.jpg"]);
    Arc::make_mut(&mut snapshot.entries[1].photo).width = 99;
    let groups = check(&snapshot, &fingerprints, &alike, &["/b.jpg /a.jpg /c.jpg"]);
    assert_eq!((groups[0].likeness, groups[0].why), (Likeness::LookAlike, Reason::MostPixels));
    assert!(groups[0].members[1].closeness.is_some_and(|closeness| (closeness - 0.94).abs() < 0.01));
}

#[test]
fn what_only_the_model_finds_alike_is_no_look_alike() {
    let snapshot = library(&[("/a.jpg", 0), ("/b.jpg", 1)], &[0.0, 1.0]);
    check(&snapshot, &Fingerprints::new(), &Alike::default(), &[]);
    let fingerprints = snapshot.entries.iter().zip([1, 2]).map(|(entry, n)| (entry.hash, fingerprint(n))).collect();
    check(&snapshot, &fingerprints, &Alike::default(), &[]);
}

#[test]
fn the_same_picture_is_told_from_a_look_alike() {
    let snapshot = library(&[("/a.jpg", 0), ("/b.jpg", 1), ("/c.jpg", 2)], &[0.0, 1.0, 2.0]);
    let mut fingerprints = brighter(&snapshot);
    let first = fingerprints[&snapshot.entries[0].hash].clone();
    fingerprints.insert(snapshot.entries[1].hash, first);
    check(&snapshot, &fingerprints, &level(Likeness::SamePicture), &["/a.jpg /b.jpg"]);
    let groups = check(&snapshot, &fingerprints, &Alike::default(), &["/a.jpg /b.jpg /c.jpg"]);
    let said: Vec<Likeness> = groups[0].members.iter().map(|member| member.likeness).collect();
    assert_eq!(said, [Likeness::Exact, Likeness::SamePicture, Likeness::LookAlike]);
}

#[test]
fn shots_of_a_burst_are_look_alikes_however_alike_they_are() {
    let mut snapshot = library(&[("/a.jpg", 0), ("/b.jpg", 1)], &[0.0, 1.0]);
    for (second, entry) in snapshot.entries.iter_mut().enumerate() {
        Arc::make_mut(&mut entry.photo).taken = Some(second as i64);
    }
    let fingerprints: Fingerprints = snapshot.entries.iter().map(|entry| (entry.hash, fingerprint(3))).collect();
    check(&snapshot, &fingerprints, &level(Likeness::SamePicture), &[]);
    let groups = check(&snapshot, &fingerprints, &Alike::default(), &["/a.jpg /b.jpg"]);
    assert_eq!((groups[0].likeness, groups[0].why), (Likeness::LookAlike, Reason::Oldest));
}

#[test]
fn the_same_picture_is_found_without_vectors() {
    let identity = ModelIdentity { id: "toy".to_owned(), digest: "0".to_owned() };
    let entries = vec![entry("/a.jpg", None), entry("/b.jpg", None), entry("/c.jpg", None)];
    let snapshot = Snapshot::new(entries, Vectors::empty(identity, 0));
    let number = |i: usize| [5, 7, 5][i];
    let fingerprints = snapshot.entries.iter().enumerate().map(|(i, e)| (e.hash, fingerprint(number(i)))).collect();
    check(&snapshot, &fingerprints, &Alike::default(), &["/a.jpg /c.jpg"]);
}

#[test]
fn a_favourite_is_kept_before_a_larger_one() {
    let mut snapshot = library(&[("/a.jpg", 0), ("/b.jpg", 1)], &[0.0, 1.0]);
    Arc::make_mut(&mut snapshot.entries[0].photo).width = 9_999;
    snapshot.entries[1].is_favourite = true;
    let groups = check(&snapshot, &brighter(&snapshot), &Alike::default(), &["/b.jpg /a.jpg"]);
    assert_eq!(groups[0].why, Reason::Favourite);
}

#[test]
fn a_cancelled_comparison_stops() {
    let ticker = Ticker::silent();
    ticker.cancel();
    let snapshot = library(&[("/a.jpg", 0), ("/b.jpg", 1)], &[0.0, 1.0]);
    assert!(duplicates(&snapshot, &brighter(&snapshot), &Alike::default(), &ticker).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn no_file_is_in_two_groups(degrees in prop::collection::vec(0.0_f32..90.0, 0..40)) {
        let names: Vec<String> = (0..degrees.len()).map(|i| format!("/{i:02}.jpg")).collect();
        let files: Vec<(&str, u32)> = names.iter().enumerate().map(|(i, name)| (name.as_str(), i as u32)).collect();
        let snapshot = library(&files, &degrees);
        let groups = duplicates(&snapshot, &brighter(&snapshot), &Alike::default(), &Ticker::silent()).unwrap();
        let mut members: Vec<u32> = groups.iter().flat_map(|group| &group.members).map(|m| m.entry).collect();
        let count = members.len();
        members.sort_unstable();
        members.dedup();
        prop_assert_eq!(members.len(), count);
        prop_assert!(groups.iter().all(|group| group.members.len() > 1));
    }
}

//! Photos by caption and by name. In: the photos of SIGHTLINE_DATA. Out: recall and top-1.

use std::collections::BTreeMap;
use std::path::Path;

use sightline_core::engine::LoadedModel;
use sightline_core::models::UnitVector;
use sightline_tests::data_dir;

use super::{check_floor, model, rows};

/// The rank of the right one among all by cosine, from 0, for every query; `right` says which one is right. Of equals it
/// is the last.
fn ranks(queries: &[UnitVector], all: &[UnitVector], right: impl Fn(usize) -> usize) -> Vec<usize> {
    let rank = |(at, query): (usize, &UnitVector)| {
        let right = right(at);
        let is_behind = |other: usize| query.cosine(&all[other]) < query.cosine(&all[right]);
        (0..all.len()).filter(|other| *other != right && !is_behind(*other)).count()
    };
    queries.iter().enumerate().map(rank).collect()
}

/// The share of ranks below `k`, in percent.
fn within(ranks: &[usize], k: usize) -> f64 {
    100.0 * ranks.iter().filter(|rank| **rank < k).count() as f64 / ranks.len() as f64
}

/// The vectors of the photos of a table's first column, and the vectors of `texts`.
fn vectors(model: &LoadedModel, folder: &Path, table: &[Vec<String>], texts: &[String]) -> [Vec<UnitVector>; 2] {
    let files: Vec<_> = table.iter().map(|row| folder.join(&row[0])).collect();
    [model.embed_files(&files).unwrap(), model.embed_texts(texts).unwrap()]
}

#[test]
fn captions_find_their_photos() {
    let Some(folder) = data_dir().map(|data| data.join("photos/coco_mini")) else { return };
    let (model, has_floor) = model();
    let table = rows(&folder.join("index.tsv"));
    let captions: Vec<String> = table.iter().map(|row| row[3].split('|').next().unwrap().to_owned()).collect();
    let [photos, texts] = vectors(&model, &folder, &table, &captions);
    let ranks = ranks(&texts, &photos, |at| at);
    println!("{} captioned photos", ranks.len());
    check_floor("recall@1", within(&ranks, 1), FLOORS[0], has_floor);
    check_floor("recall@5", within(&ranks, 5), FLOORS[1], has_floor);
    check_floor("recall@10", within(&ranks, 10), FLOORS[2], has_floor);
}

#[test]
fn names_are_given_to_photos() {
    let Some(folder) = data_dir().map(|data| data.join("photos/imagenet_sample")) else { return };
    let (model, has_floor) = model();
    let table = rows(&folder.join("index.tsv"));
    let names: Vec<String> = table.iter().map(|row| format!("a photo of a {}", row[1])).collect();
    let [photos, texts] = vectors(&model, &folder, &table, &names);
    let ranks = ranks(&photos, &texts, |at| at);
    println!("{} photos of as many classes", ranks.len());
    check_floor("top-1 of 200 names", within(&ranks, 1), FLOORS[3], has_floor);
    check_floor("top-5 of 200 names", within(&ranks, 5), FLOORS[4], has_floor);
}

#[test]
fn clothes_are_told_apart() {
    let Some(folder) = data_dir().map(|data| data.join("photos/clothing")) else { return };
    let (model, has_floor) = model();
    let table = rows(&folder.join("index.tsv"));
    let classes: BTreeMap<&str, usize> = table.iter().map(|row| (row[1].as_str(), 0)).collect();
    let classes: Vec<&str> = classes.into_keys().collect();
    let names: Vec<String> = classes.iter().map(|class| format!("a photo of a {}", class.to_lowercase())).collect();
    let [photos, texts] = vectors(&model, &folder, &table, &names);
    let class_of = |at: usize| classes.iter().position(|class| *class == table[at][1]).unwrap();
    let ranks = ranks(&photos, &texts, class_of);
    println!("{} photos of {} classes", ranks.len(), classes.len());
    check_floor("top-1 of kinds of clothes", within(&ranks, 1), FLOORS[5], has_floor);
}

/// A little under the card's figures: recall@1, 5, 10; top-1, top-5; clothes.
const FLOORS: [f64; 6] = [28.5, 74.0, 85.5, 26.5, 50.0, 22.0];

//! `sightline search`: finds photos by words, by pictures, by a region of a picture, and away from words.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use serde_json::json;
use sightline_core::engine::{Chip, Engine, Region, SearchReport, SearchRequest, Subject};
use sightline_core::search::{Filter, Sort, day_start};

use super::Done;
use super::output::Output;

#[derive(Args)]
pub struct Search {
    /// What is on the photos, in words
    text: Option<String>,
    /// A picture to find the like of; several are averaged with equal weight
    #[arg(long, value_name = "PATH")]
    image: Vec<PathBuf>,
    /// Words for what should not be on the photos
    #[arg(long, value_name = "TEXT")]
    not: Vec<String>,
    /// The part of the query picture that counts, in fractions of its sides
    #[arg(long, value_name = "X,Y,W,H", value_parser = region, requires = "image", allow_hyphen_values = true)]
    region: Option<Region>,
    /// Only photos in this folder
    #[arg(long = "in", value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Only photos taken on this day or later (2024, 2024-05 or 2024-05-17)
    #[arg(long, value_name = "DATE", value_parser = day_start)]
    after: Option<i64>,
    /// Only photos taken before this day
    #[arg(long, value_name = "DATE", value_parser = day_start)]
    before: Option<i64>,
    /// Only photos whose camera's name holds this
    #[arg(long, value_name = "NAME")]
    camera: Option<String>,
    /// Only photos with this tag
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Only favourites
    #[arg(long)]
    favourites: bool,
    /// Only photos whose file name holds this
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// In which order
    #[arg(long, value_enum, default_value_t)]
    sort: SortName,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum SortName {
    #[default]
    Score,
    Newest,
    Oldest,
}

impl Search {
    pub fn run(&self, engine: &Engine, output: &Output) -> Result<Done> {
        engine.notices().iter().for_each(|notice| output.note(notice));
        let report = engine.search(&self.request(engine)?)?;
        report.notes.iter().for_each(|note| output.note(note));
        output.answer(&self.document(&report), || text(&report))?;
        Ok(Done::Cleanly)
    }

    fn request(&self, engine: &Engine) -> Result<SearchRequest> {
        if self.region.is_some() && self.image.len() > 1 {
            bail!("a region belongs to one picture; give one --image with --region");
        }
        let chips = self.text.iter().map(|text| chip(Subject::Text(text.clone()), 1.0));
        let pictures = self.image.iter().map(|path| {
            let share = 1.0 / self.image.len() as f32;
            chip(Subject::Picture { path: path.clone(), region: self.region }, share)
        });
        let away = self.not.iter().map(|text| chip(Subject::Text(text.clone()), -1.0));
        let request = SearchRequest {
            chips: chips.chain(pictures).chain(away).collect(),
            filter: self.filter(engine)?,
            sort: self.sort(),
            limit: self.limit,
        };
        if request.chips.is_empty() && request.filter == Filter::default() {
            bail!("nothing to search for; give words, a picture with --image, or a filter");
        }
        Ok(request)
    }

    fn filter(&self, engine: &Engine) -> Result<Filter> {
        let folder = self.folder.as_ref().map(|folder| real_folder(folder, engine)).transpose()?;
        Ok(Filter {
            folders: folder.into_iter().collect(),
            after: self.after,
            before: self.before,
            cameras: self.camera.iter().cloned().collect(),
            tags: self.tag.clone(),
            favourites_only: self.favourites,
            name_contains: self.name.clone(),
            ..Filter::default()
        })
    }

    fn sort(&self) -> Sort {
        match self.sort {
            SortName::Score => Sort::Score,
            SortName::Newest => Sort::NewestFirst,
            SortName::Oldest => Sort::OldestFirst,
        }
    }

    fn document(&self, report: &SearchReport) -> serde_json::Value {
        let hits: Vec<_> = report.hits.iter().map(|hit| hit_document(report, hit)).collect();
        json!({
            "query": {
                "text": self.text, "images": self.image.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
                "not": self.not, "region": self.region, "in": self.folder.as_ref().map(|path| path.to_string_lossy()),
                "after": self.after, "before": self.before, "limit": self.limit,
            },
            "milliseconds": report.milliseconds,
            "notes": report.notes,
            "hits": hits,
        })
    }
}

/// The folder as the library knows it: links followed. One that is not there now may be on an unplugged drive.
fn real_folder(folder: &Path, engine: &Engine) -> Result<PathBuf> {
    if let Ok(real) = fs_err::canonicalize(folder) {
        return Ok(real);
    }
    let absolute = std::path::absolute(folder)?;
    if engine.folders().iter().any(|known| absolute.starts_with(&known.path)) {
        return Ok(absolute);
    }
    bail!("there is no such folder, and none in the library; check its spelling: {}", absolute.display())
}

fn chip(subject: Subject, weight: f32) -> Chip {
    Chip { subject, weight }
}

fn hit_document(report: &SearchReport, hit: &sightline_core::search::Hit) -> serde_json::Value {
    let path = report.path(hit).to_string_lossy();
    json!({ "path": path, "score": hit.score, "rank": hit.rank })
}

fn text(report: &SearchReport) -> String {
    if report.hits.is_empty() {
        return "nothing found".to_owned();
    }
    let lines = report.hits.iter().map(|hit| format!("{:.3}  {}", hit.score, report.path(hit).display()));
    lines.collect::<Vec<_>>().join("\n")
}

/// Four fractions with commas between them.
fn region(text: &str) -> Result<Region, String> {
    let numbers: Vec<f32> = text.split(',').filter_map(|part| part.trim().parse().ok()).collect();
    let [x, y, width, height] = numbers[..] else {
        return Err("a region is X,Y,W,H in fractions of the picture, for example 0.25,0.25,0.5,0.5".to_owned());
    };
    Region::new(x, y, width, height).map_err(|error| error.to_string())
}

//! `sightline models`: lists, explains, adds, downloads and removes models.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use sightline_core::engine::{self, ModelRow, ModelState};
use sightline_core::jobs;

use super::output::Output;
use super::{Done, Global, progress};

#[derive(Args)]
pub struct Models {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// Every model, and whether it is on this machine
    List,
    /// What is known of one model
    Info {
        /// Its id
        id: String,
    },
    /// Takes a model folder that you already have
    Add {
        /// The folder with config.json or open_clip_config.json and the weights
        dir: PathBuf,
    },
    /// Gets a model from the hub; the only command that uses the network
    Download {
        /// Its id
        id: String,
    },
    /// Forgets an added model, or deletes a downloaded one
    Remove {
        /// Its id
        id: String,
    },
}

impl Models {
    pub fn run(&self, global: &Global, output: &Output) -> Result<Done> {
        let library = global.library()?;
        let said = match self.action.as_ref().unwrap_or(&Action::List) {
            Action::List => None,
            Action::Info { id } => return info(&engine::model_row(&library, id)?, output),
            Action::Add { dir } => Some(format!("added {}", engine::add_model(&library, dir)?)),
            Action::Download { id } => Some(download(id, output)?),
            Action::Remove { id } => {
                engine::remove_model(&library, id)?;
                Some(format!("removed {id}"))
            }
        };
        let rows = engine::model_rows(&library)?;
        output.answer(&rows, || said.unwrap_or_else(|| table(&rows)))?;
        Ok(Done::Cleanly)
    }
}

fn download(id: &str, output: &Output) -> Result<String> {
    let name = id.to_owned();
    let job = jobs::spawn("download", Arc::new(|| {}), move |ticker| engine::download_model(&name, ticker))?;
    let folder = progress::wait(job, output).with_context(|| format!("could not download {id}"))?;
    Ok(format!("downloaded {id} to {}", folder.display()))
}

fn info(row: &ModelRow, output: &Output) -> Result<Done> {
    output.answer(row, || {
        let place = row.folder.as_ref().map(|folder| folder.display().to_string());
        let lines = [
            Some(format!("{}: {}", row.id, row.good_at)),
            row.repository.as_ref().map(|repository| format!("from     {repository}")),
            place.map(|place| format!("folder   {place}")),
            Some(format!("licence  {}", row.licence)),
            row.size_mb.map(|size| format!("size     {size:.0} MB")),
            row.input_size.zip(row.dim).map(|(side, dim)| format!("input    {side} px; {dim} numbers a photo")),
            row.quality.map(|quality| {
                let (imagenet, coco) = (quality.imagenet, quality.coco);
                format!("quality  ImageNet {imagenet:.1} %, COCO text to photo R@1 {coco:.1} % (zero-shot, published)")
            }),
            row.photos_a_second.map(|speed| format!("speed    {speed:.1} photos a second on this machine")),
            Some(format!("state    {}", state_text(row.state))),
        ];
        lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
    })?;
    Ok(Done::Cleanly)
}

fn table(rows: &[ModelRow]) -> String {
    let width = rows.iter().map(|row| row.id.len()).max().unwrap_or(0);
    let line = |row: &ModelRow| {
        let size = row.size_mb.map_or(String::new(), |size| format!("{size:.0} MB"));
        format!("{:width$}  {:15}  {size:>7}  {}", row.id, state_text(row.state), row.good_at)
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn state_text(state: ModelState) -> &'static str {
    match state {
        ModelState::BuiltIn => "built in",
        ModelState::Added => "added",
        ModelState::Downloaded => "on this machine",
        ModelState::Available => "to download",
    }
}

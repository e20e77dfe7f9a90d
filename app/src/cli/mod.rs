//! The command line. In: arguments. Out: text or one JSON document on stdout, progress and errors on stderr, and an
//! exit status: 0 done; 1 done, but some files had problems; 2 not done. Scripts rely on its form (ARCHITECTURE.md).

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};
use sightline_core::engine::{Engine, Precision, Settings};

mod demo;
mod doctor;
mod embed;
mod evaluate;
mod index;
mod inspect;
mod looking;
mod models;
mod npy;
mod output;
mod patches;
mod products;
mod progress;
mod reviews;
mod search;

use output::Output;

/// Finds photos by meaning, on your own machine. Without a command the window opens.
#[derive(Parser)]
#[command(name = "sightline", version)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What every command takes.
#[derive(Args)]
struct Global {
    /// The library's folder [default: the platform's data directory]
    #[arg(long, global = true, value_name = "DIR", env = "SIGHTLINE_LIBRARY")]
    library: Option<PathBuf>,
    /// A model's id or folder [default: the library's model, else the built-in starter]
    #[arg(long, global = true, value_name = "ID|DIR")]
    model: Option<String>,
    /// How pictures are computed: as the library was indexed, in 32 bits, or in 8 (faster, and nearly equal)
    #[arg(long, global = true, value_enum, default_value_t)]
    precision: PrecisionName,
    /// One JSON document on stdout instead of text
    #[arg(long, global = true)]
    json: bool,
    /// No progress and no notes
    #[arg(long, global = true)]
    quiet: bool,
    /// How many threads work [default: one a core]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum PrecisionName {
    #[default]
    Auto,
    #[value(alias = "full")]
    F32,
    #[value(alias = "fast")]
    Int8,
}

impl From<PrecisionName> for Precision {
    fn from(name: PrecisionName) -> Self {
        match name {
            PrecisionName::Auto => Self::Auto,
            PrecisionName::F32 => Self::F32,
            PrecisionName::Int8 => Self::Int8,
        }
    }
}

#[derive(Subcommand)]
enum Command {
    /// Adds folders to the library, or refreshes them
    Index(index::Index),
    /// Finds photos by words, by pictures, or by both
    Search(search::Search),
    /// Writes the embeddings of texts or pictures to a NumPy file
    Embed(embed::Embed),
    /// Writes the patch features of one picture to a NumPy file
    Patches(patches::Patches),
    /// Judges parts by a few good ones: verdicts, heatmaps and a report
    Inspect(Box<inspect::Inspect>),
    /// Scores inspection against parts whose defects are known
    Evaluate(evaluate::Evaluate),
    /// Draws a product to try inspection with
    Demo(demo::Demo),
    /// Lists, adds, exports and removes the products of inspection that the library keeps
    Products(products::Products),
    /// Gives the audit log: what people decided about parts
    Reviews(reviews::Reviews),
    /// Lists, adds, downloads and removes models
    Models(models::Models),
    /// Checks the library, the model and the graphics adapter
    Doctor(doctor::Doctor),
}

/// Whether a command met problems that did not keep it from its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    Cleanly,
    WithProblems,
}

/// Parses the arguments of the process and does what they say.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr();
    let output = Output::new(cli.global.json, cli.global.quiet);
    match dispatch(cli, &output) {
        Ok(Done::Cleanly) => ExitCode::SUCCESS,
        Ok(Done::WithProblems) => ExitCode::from(1),
        Err(error) => {
            output.error(&error);
            ExitCode::from(2)
        }
    }
}

fn dispatch(cli: Cli, output: &Output) -> Result<Done> {
    use_threads(cli.global.threads)?;
    let Some(command) = cli.command else {
        crate::gui::run(cli.global.settings()?)?;
        return Ok(Done::Cleanly);
    };
    match command {
        Command::Index(index) => index.run(&cli.global.engine()?, output),
        Command::Search(search) => search.run(&cli.global.engine()?, output),
        Command::Embed(embed) => embed.run(&cli.global, output),
        Command::Patches(patches) => patches.run(&cli.global, output),
        Command::Inspect(inspect) => inspect.run(&cli.global, output),
        Command::Evaluate(evaluate) => evaluate.run(&cli.global, output),
        Command::Demo(demo) => demo.run(output),
        Command::Products(products) => products.run(&cli.global, output),
        Command::Reviews(reviews) => reviews.run(&cli.global, output),
        Command::Models(models) => models.run(&cli.global, output),
        Command::Doctor(doctor) => doctor.run(&cli.global, output),
    }
}

impl Global {
    fn settings(&self) -> Result<Settings> {
        Ok(Settings { library: self.library()?, model: self.model.clone(), precision: self.precision.into() })
    }

    fn engine(&self) -> Result<Engine> {
        Ok(Engine::open(self.settings()?)?)
    }

    fn library(&self) -> Result<PathBuf> {
        if let Some(library) = &self.library {
            return Ok(library.clone());
        }
        let Some(folders) = directories::ProjectDirs::from("", "", "Sightline") else {
            anyhow::bail!("this system names no home for a library; give a folder with --library DIR");
        };
        Ok(folders.data_dir().to_owned())
    }
}

/// Sizes the pool that models and scans share.
fn use_threads(threads: Option<u16>) -> Result<()> {
    if let Some(threads) = threads {
        rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build_global()?;
    }
    Ok(())
}

/// `RUST_LOG` chooses what is logged; nothing by default.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

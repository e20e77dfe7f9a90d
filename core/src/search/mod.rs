//! Query + snapshot → hits. Pure: no files, no clocks, no models (texts and pictures arrive as unit vectors).

//! File → picture. In: a path or bytes of anything a user may have. Out: an upright 8-bit RGB picture and what its
//! metadata say, or an error with a reason; never a panic, never memory or time without bound. Knows no model.

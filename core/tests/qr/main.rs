//! QR codes are read back by a decoder that shares no code with what drew them.

mod picture;
mod read;
mod refused;

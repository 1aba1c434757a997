//! Cuts a stream of bytes as a network may.

/// The first byte says how many of the next ones say where to cut; the pieces of the rest.
pub fn cut(data: &[u8]) -> Option<(&[u8], Vec<&[u8]>)> {
    let (count, data) = data.split_first()?;
    let (cuts, stream) = data.split_at_checked(usize::from(count % 32))?;
    let (mut pieces, mut rest) = (Vec::new(), stream);
    for cut in cuts {
        let (piece, behind) = rest.split_at(usize::from(*cut).min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces.push(rest);
    Some((stream, pieces))
}

//! A click as the journal has it, written by hand: the very bytes that postcard makes of it, for a part of the
//! instructions, since every redirect pays them. Reading is left to postcard.

use std::net::IpAddr;

use super::Click;
use crate::wire::write::{large, number, text};

/// Writes every field in its order. All are named, so that a new one cannot be forgotten.
pub(super) fn write(click: &Click<'_>, out: &mut Vec<u8>) {
    let Click {
        id,
        unix_ms,
        outcome,
        method,
        workspace,
        link,
        domain,
        slug,
        query,
        visitor,
        new_visitor,
        address,
        user_agent,
        referrer,
        language,
        purpose,
        channel,
        campaign,
        program,
        advocate,
        variant,
        tags,
        privacy,
        signs,
        hints,
    } = click;
    large(out, id.0);
    number(out, *unix_ms);
    number(out, *outcome as u64);
    number(out, *method as u64);
    text(out, workspace);
    number(out, link.0);
    text(out, domain);
    text(out, slug);
    text(out, query);
    out.push(u8::from(visitor.is_some()));
    if let Some(visitor) = visitor {
        large(out, visitor.0);
    }
    out.push(u8::from(*new_visitor));
    match address {
        IpAddr::V4(address) => {
            out.push(0);
            out.extend_from_slice(&address.octets());
        }
        IpAddr::V6(address) => {
            out.push(1);
            out.extend_from_slice(&address.octets());
        }
    }
    for said in [user_agent, referrer, language, purpose] {
        text(out, said);
    }
    for label in [channel, campaign, program, advocate, variant, tags] {
        text(out, label);
    }
    number(out, *privacy as u64);
    number(out, signs.bits().into());
    text(out, hints);
}

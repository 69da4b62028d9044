//! `#[derive(Args)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Attribute, DeriveInput, Expr, ExprLit, Lit, Meta, Token, UnOp};

use crate::shared::{doc, entries, kit, named_fields, plain, snake, text, words};

pub fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let kit = kit(&input.attrs);
    let mut options = Vec::new();
    let mut reads = Vec::new();
    for field in named_fields(input)? {
        let (Some(ident), ty) = (&field.ident, &field.ty) else { continue };
        let settings = Settings::read(&field.attrs, &kit)?;
        if settings.rest {
            reads.push(quote!(#ident: settled.rest()));
            continue;
        }
        if settings.flatten {
            options.push(quote! {
                #kit::schema::Opt {
                    name: "",
                    aliases: &[],
                    kind: #kit::Kind::Group(<#ty as #kit::Args>::OPTIONS),
                    required: false,
                    default: #kit::schema::Preset::None,
                    doc: "",
                    secret: false,
                }
            });
            reads.push(quote!(#ident: <#ty as #kit::Args>::read(settled)?));
            continue;
        }
        let name = settings.name.unwrap_or_else(|| plain(ident));
        let aliases = settings.aliases;
        let doc = doc(&field.attrs);
        let (required, secret) = (settings.required, settings.secret);
        let (default, optional) = match settings.default {
            Some(default) => (default, true),
            None => (quote!(#kit::schema::Preset::None), false),
        };
        options.push(quote! {
            #kit::schema::Opt {
                name: #name,
                aliases: &[#(#aliases),*],
                kind: <#ty as #kit::Arg>::KIND,
                required: #required || (<#ty as #kit::Arg>::REQUIRED && !#optional),
                default: #default,
                doc: #kit::doc!(#doc),
                secret: #secret || <#ty as #kit::Arg>::SECRET,
            }
        });
        reads.push(quote!(#ident: settled.take::<#ty>(#name)?));
    }
    let rules = rules(&input.attrs, &kit)?;
    let ident = &input.ident;
    let module = module(input, &kit)?;
    let nested = if module.is_some() {
        TokenStream::new()
    } else {
        // Without #[module] it is the type of an option: a mapping with known keys.
        quote! {
            impl #kit::Arg for #ident {
                const KIND: #kit::Kind = #kit::Kind::Sub(<Self as #kit::Args>::OPTIONS);
                fn read(value: #kit::proto::Val) -> ::std::result::Result<Self, ::std::string::String> {
                    match value {
                        #kit::proto::Val::Map(entries) => {
                            <Self as #kit::Args>::read(&mut #kit::Settled::new(entries))
                        }
                        other => ::std::result::Result::Err(::std::format!("unexpected value {other:?}")),
                    }
                }
            }
        }
    };
    Ok(quote! {
        impl #kit::Args for #ident {
            const OPTIONS: &'static [#kit::schema::Opt] = &[#(#options),*];
            const RULES: &'static [#kit::schema::Rule] = &[#(#rules),*];
            fn read(settled: &mut #kit::Settled) -> ::std::result::Result<Self, ::std::string::String> {
                let _ = &settled;
                ::std::result::Result::Ok(Self { #(#reads),* })
            }
        }
        #nested
        #module
    })
}

#[derive(Default)]
struct Settings {
    name: Option<String>,
    aliases: Vec<String>,
    default: Option<TokenStream>,
    required: bool,
    secret: bool,
    flatten: bool,
    rest: bool,
}

impl Settings {
    fn read(attributes: &[Attribute], kit: &TokenStream) -> syn::Result<Settings> {
        let mut settings = Settings::default();
        for meta in entries(attributes, "arg")? {
            let path = meta.path();
            if path.is_ident("default") {
                settings.default = Some(match &meta {
                    // default("a", "b") is a list of text.
                    Meta::List(_) => {
                        let items = words(&meta)?;
                        quote!(#kit::schema::Preset::List(&[#(#items),*]))
                    }
                    _ => preset(&meta.require_name_value()?.value, kit)?,
                });
            } else if path.is_ident("name") {
                settings.name = Some(text(&meta)?);
            } else if path.is_ident("aliases") {
                settings.aliases = words(&meta)?;
            } else if path.is_ident("alias") {
                settings.aliases.push(text(&meta)?);
            } else if path.is_ident("required") {
                settings.required = true;
            } else if path.is_ident("secret") {
                settings.secret = true;
            } else if path.is_ident("flatten") {
                settings.flatten = true;
            } else if path.is_ident("rest") {
                settings.rest = true;
            } else {
                let known = "expected default, name, alias, aliases, required, secret, flatten or rest";
                return Err(syn::Error::new_spanned(meta, known));
            }
        }
        Ok(settings)
    }
}

fn preset(value: &Expr, kit: &TokenStream) -> syn::Result<TokenStream> {
    let preset = quote!(#kit::schema::Preset);
    let wrong = || syn::Error::new_spanned(value, "expected text, a number or a truth value");
    match value {
        Expr::Lit(ExprLit { lit, .. }) => match lit {
            Lit::Str(s) => Ok(quote!(#preset::Str(#s))),
            Lit::Bool(b) => Ok(quote!(#preset::Bool(#b))),
            Lit::Int(i) => Ok(quote!(#preset::Int(#i))),
            Lit::Float(f) => Ok(quote!(#preset::Float(#f))),
            _ => Err(wrong()),
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => match &*unary.expr {
            Expr::Lit(ExprLit { lit: Lit::Int(_), .. }) => Ok(quote!(#preset::Int(#value))),
            Expr::Lit(ExprLit { lit: Lit::Float(_), .. }) => Ok(quote!(#preset::Float(#value))),
            _ => Err(wrong()),
        },
        _ => Err(wrong()),
    }
}

fn rules(attributes: &[Attribute], kit: &TokenStream) -> syn::Result<Vec<TokenStream>> {
    let rule = quote!(#kit::schema::Rule);
    let mut out = Vec::new();
    for meta in entries(attributes, "rule")? {
        let path = meta.path();
        if path.is_ident("when") || path.is_ident("with") {
            let inner =
                meta.require_list()?.parse_args_with(Punctuated::<Inner, Token![,]>::parse_terminated)?;
            out.push(conditional(&meta, &inner.into_iter().collect::<Vec<_>>(), kit)?);
            continue;
        }
        let names = words(&meta)?;
        let kind = if path.is_ident("exclusive") {
            quote!(Exclusive)
        } else if path.is_ident("together") {
            quote!(Together)
        } else if path.is_ident("one_of") {
            quote!(OneOf)
        } else {
            return Err(syn::Error::new_spanned(meta, "expected exclusive, together, one_of, when or with"));
        };
        out.push(quote!(#rule::#kind(&[#(#names),*])));
    }
    Ok(out)
}

/// A part of `when(state = "link", needs("src"))` or `with("a", needs("b"))`.
enum Inner {
    Meta(Box<Meta>),
    Text(syn::LitStr),
}

impl syn::parse::Parse for Inner {
    fn parse(input: syn::parse::ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(syn::LitStr) {
            input.parse().map(Inner::Text)
        } else {
            input.parse().map(|meta| Inner::Meta(Box::new(meta)))
        }
    }
}

fn conditional(meta: &Meta, inner: &[Inner], kit: &TokenStream) -> syn::Result<TokenStream> {
    let rule = quote!(#kit::schema::Rule);
    match inner {
        [Inner::Text(option), Inner::Meta(needs)] if needs.path().is_ident("needs") => {
            let needs = words(needs)?;
            Ok(quote!(#rule::By { option: #option, needs: &[#(#needs),*] }))
        }
        [Inner::Meta(condition), Inner::Meta(needs)] => {
            let condition = condition.require_name_value()?;
            let option = condition.path.require_ident()?;
            let option = plain(option);
            let is = preset(&condition.value, kit)?;
            let any = needs.path().is_ident("needs_any");
            if !any && !needs.path().is_ident("needs") {
                return Err(syn::Error::new_spanned(needs, "expected needs or needs_any"));
            }
            let needs = words(needs)?;
            Ok(quote!(#rule::If { option: #option, is: #is, needs: &[#(#needs),*], any: #any }))
        }
        _ => Err(syn::Error::new_spanned(
            meta,
            "expected when(option = \"value\", needs(\"…\")) or with(\"option\", needs(\"…\"))",
        )),
    }
}

/// The module's entry in the registry, if the struct is a module.
fn module(input: &DeriveInput, kit: &TokenStream) -> syn::Result<Option<TokenStream>> {
    if !input.attrs.iter().any(|a| a.path().is_ident("module")) {
        return Ok(None);
    }
    let ident = &input.ident;
    let mut name = snake(&ident.to_string());
    let mut collection = "ansible.builtin".to_owned();
    let mut aliases = Vec::new();
    let mut open = false;
    let mut nature = None;
    for meta in entries(&input.attrs, "module")? {
        let path = meta.path();
        if path.is_ident("resource") {
            nature = Some((quote!(Resource), quote!(resource)));
        } else if path.is_ident("query") {
            nature = Some((quote!(Query), quote!(query)));
        } else if path.is_ident("procedure") {
            nature = Some((quote!(Procedure), quote!(procedure)));
        } else if path.is_ident("name") {
            name = text(&meta)?;
        } else if path.is_ident("collection") {
            collection = text(&meta)?;
        } else if path.is_ident("aliases") {
            aliases = words(&meta)?;
        } else if path.is_ident("open") {
            open = true;
        } else {
            let known = "expected resource, query, procedure, name, collection, aliases or open";
            return Err(syn::Error::new_spanned(meta, known));
        }
    }
    let Some((nature, drive)) = nature else {
        return Err(syn::Error::new_spanned(ident, "#[module(…)] must say resource, query or procedure"));
    };
    Ok(Some(quote! {
        /// The module, for the registry.
        pub static ENTRY: #kit::drive::Entry = #kit::drive::Entry {
            schema: #kit::schema::Schema {
                name: #name,
                collection: #collection,
                aliases: &[#(#aliases),*],
                nature: #kit::schema::Nature::#nature,
                declared: <#ident as #kit::Args>::OPTIONS,
                rules: <#ident as #kit::Args>::RULES,
                open: #open,
            },
            drive: #kit::drive::#drive::<#ident>,
        };
        #[cfg(test)]
        impl #kit::testing::TestModule for #ident {
            fn entry() -> &'static #kit::drive::Entry {
                &ENTRY
            }
        }
    }))
}

"""Scenarios: what happened, told in a few words, and what has to follow from it.

A file in `cases` is YAML: `why` in a sentence, `events`, `expect`, and where they matter `settings` (as in
vsm.yaml) and `window`. `topic` says where docs/definitions.md shows it, if that is not the first word of its
name. Every event has `at`, an offset such as `2d6h` from the beginning of the scenario, the midnight before a
Thursday; what lasts ends at it, after `for`. A change is named by its request number, or by `@` and a commit.
`links` are to changes or deployments. An event can also be an OTLP span of any emitter, told attribute by
attribute: see `scenarios.otlp`. Where `expect` is a list, each entry says with `asked` what window,
time zone, filters and profile it is about.
"""

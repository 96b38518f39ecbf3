"""What users declare in `vsm.yaml`: one typed model, read at once or not at all.

`load` reads a file or says everything that is wrong with it; `Declared` holds what was read, or the defaults
where there is no file, and answers what derivations and figures ask of it.
"""

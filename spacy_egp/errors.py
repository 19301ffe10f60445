"""All warnings and errors of the package. As in spaCy, each has a code that stays the
same when the message changes."""

from spacy.errors import ErrorsWithCodes


class Warnings(metaclass=ErrorsWithCodes):
    """Templates of the warnings' messages."""

    # Component and models
    EGPW001 = (
        "'{name}': {n_bounded} of {n_docs} docs have more than {spans_per_doc} spans "
        "(or {spans_per_token} per token) above the threshold of {threshold}; only so "
        "many were kept, the best ones of each part of a doc. Train the model further "
        "or raise the threshold."
    )
    EGPW002 = (
        "'{name}': {n_excluded} of {n_spans} gold spans in doc.spans['{spans_key}'] "
        "are left out of training: {counts}. {remedies}"
    )
    EGPW004 = (
        "'{name}': within_sentences is true, but {n_docs} of {n_all} docs have no "
        "sentence boundaries, so spans are not restricted there. Put a component that "
        "sets sentence boundaries (sentencizer, senter or parser) before '{name}', and "
        "name it in annotating_components of [training]."
    )
    EGPW005 = (
        "'{name}': {n_words} of {n_all} tokens have no vector, because the transformer "
        "got none of their word pieces; the first is {text!r}. No spans are found "
        "there. Use the transformer spacy-egp.TransformerModel.v1, or smaller windows."
    )
    EGPW010 = (
        "'{name}': the config and the saved state differ: {differences}. The {used} "
        "values are used. To use other values, set them as attributes of the component "
        "and save the pipeline."
    )
    EGPW011 = (
        "'{name}': {settings} next to source in [components.{name}] have no effect: a "
        "component with source has the model of its source. Remove them."
    )
    EGPW012 = (
        "'{name}': [training.score_weights] has no score of doc.spans['{spans_key}'], "
        "so spacy train takes its scores as 0 and ends early. Set spans_{spans_key}_f "
        "= 1.0 there, and spans_sc_f = null unless another component has this key."
    )
    EGPW013 = (
        "'{name}': {n_docs} of {n_all} training docs have no doc.spans['{spans_key}']. "
        "They count as not annotated, and nothing is learned from them.{hint}"
    )
    EGPW014 = (
        "'{name}' and {others} write to the same doc.spans['{spans_key}'], and each "
        "replaces the spans of the previous one. Give them different keys: set "
        "spans_key."
    )
    EGPW015 = (
        "'{name}': none of the {n_all} docs of a batch has doc.spans['{spans_key}']. "
        "They count as not annotated: nothing was learned from them.{hint}"
    )
    EGPW016 = (
        "'{name}': {n_docs} of {n_all} docs have no doc.spans['{spans_key}']. They "
        "count as not annotated, and are not scored; if there are no others, all "
        "scores are 0.{hint}"
    )
    EGPW017 = (
        "'{name}': a doc had {n_replaced} spans in doc.spans['{spans_key}'] that are "
        "not predicted, and were replaced; the first is {text!r}, '{label}'. To keep "
        "such spans, set another spans_key, or write the spans to another key."
    )

    EGPW040 = (
        "'{name}': threshold, predicted_labels or label_weights names labels that the "
        "component does not have, which has no effect: {unknown}. Correct them; the "
        "labels are {labels}."
    )

    EGPW041 = (
        "'{name}': nothing was rehearsed, because there is no copy of the model to "
        "rehearse: call nlp.resume_training first."
    )

    # Corpus readers
    EGPW003 = (
        "{path}: {n_long} docs have more than {max_length} tokens although they were "
        "cut, because a span is longer, or spans overlap without a gap. Raise "
        "max_length of the reader spacy-egp.Corpus.v1, or correct these spans."
    )

    # spacy egp convert
    EGPW201 = (
        "The columns {first} and {second} agree in most spans, so they may be gold and "
        "predicted tags instead of levels of nesting: name the columns to convert with "
        "--columns."
    )

    # spacy egp check: what was not checked
    EGPW270 = (
        "Tokens, lengths, sentences and windows are not checked, because there is no "
        "--config."
    )
    EGPW271 = (
        "Settings that '{name}' gets from its source, {source}, are not checked, only "
        "those next to source."
    )
    EGPW272 = (
        "Word pieces and windows are not checked, because the tokenizer of '{name}' "
        "cannot be loaded: {error}"
    )
    EGPW273 = (
        "No model is trained to find likely errors, because the training would break: "
        "correct the errors first."
    )


class Hints:
    """Sentences that end a message if they apply."""

    cut = (
        " The reader spacy.Corpus.v1 drops the spans of docs that it cuts (max_length, "
        "gold_preproc): use spacy-egp.Corpus.v1."
    )
    other_keys = " They have spans with the keys {keys}: set spans_key to one of them."
    entities = (
        " They have doc.ents: set doc.spans['{spans_key}'] = list(doc.ents), or "
        "convert them with spacy egp convert."
    )


class Errors(metaclass=ErrorsWithCodes):
    """Templates of the errors' messages, and of the reasons why records and documents
    are left out."""

    # Component and models
    EGP001 = (
        "'{name}': {setting} must be a probability from 0 to 1, or a table of labels "
        "and probabilities, but it is {value!r}."
    )
    EGP002 = "'{name}': {setting} must be one of {choices}, but it is {value!r}."
    EGP003 = (
        "'{name}': {setting} must be a positive whole number of tokens, 'auto' (learn "
        "it from the gold spans) or None (no limit), but it is {value!r}."
    )
    EGP004 = (
        "'{name}': labels must be strings that are not empty, but got {label!r} of "
        "type {type}."
    )
    EGP005 = (
        "'{name}': no examples with tokens to initialize with. Check the training "
        "corpus."
    )
    EGP006 = (
        "'{name}': no labels. Pass labels to add_label or initialize, or annotate "
        "spans in doc.spans['{spans_key}'] of the training docs.{hint}"
    )
    EGP007 = (
        "'{name}': gold span '{text}' has the label '{label}', which the component "
        "does not have. Add the label with add_label or in initialize, or remove the "
        "span. For a component with a source in the config, set before_init in "
        "[initialize] to the callback spacy-egp.add_labels.v1. Labels: {labels}."
    )
    EGP008 = (
        "The rotary embedding rotates pairs of columns, so head_size must be even, but "
        "it is {head_size}. Use an even head_size or rope = false."
    )
    EGP009 = "learn_rate_scale must be positive, but it is {scale}."

    EGP010 = (
        "'{name}': the features of {n_bad} of {n_docs} docs are NaN, infinite, or too "
        "large for finite scores. The first is {text!r}. Nothing was learned from this "
        "batch or written to it. Lower the learning rate, turn off mixed precision, or "
        "use a model that was saved earlier."
    )
    EGP011 = (
        "'{name}': the loss of a batch of {n_docs} docs ({loss}) or its gradient is "
        "NaN or infinite. The first doc is {text!r}. Nothing was learned from this "
        "batch. Lower the learning rate, or use a model that was saved earlier."
    )
    EGP012 = (
        "'{name}': cannot load {source}: {error}. It is damaged, or it was saved with "
        "another architecture or settings: load it with the config that was saved "
        "with it."
    )
    EGP013 = (
        "'{name}': {source} has {n_labels} labels, but weights for {n_outputs}. Its "
        "files cfg and model are from different components: save it again."
    )
    EGP014 = (
        "'{name}': the weights '{param}' of '{layer}' in {source} are NaN or infinite. "
        "Use a model that was saved earlier."
    )
    EGP015 = (
        "'{name}': doc.spans['{spans_key}'].attrs['{labels_attr}'], the annotated "
        "labels of a doc, must be a list of strings, but it is {value!r}."
    )

    EGP016 = (
        "'{name}': the labels in {source} must be a list of different strings, but "
        "they are {labels}. Use a model that was saved earlier."
    )
    EGP017 = (
        "'{name}': {source} was saved with the settings {saved} of the head, but the "
        "config has {settings}. Load it with the config that was saved with it."
    )
    EGP018 = (
        "The reader spacy-egp.Corpus.v1: {name} must be at least {least}, but it is "
        "{value}."
    )
    EGP019 = (
        "'{name}': {n_misaligned} of {n_spans} gold spans in doc.spans['{spans_key}'] "
        "do not fit the tokens of the pipeline's tokenizer, whose language is "
        "'{lang}'. Set [nlp] lang and [nlp.tokenizer] to those of the corpus, or "
        "convert the corpus again with the pipeline's tokenizer."
    )

    EGP070 = (
        "'{name}': learned_length in {source} must be a positive whole number or null, "
        "but it is {value}. Use a model that was saved earlier."
    )
    EGP050 = (
        "'{name}': the weights '{param}' of '{layer}' are missing in {source}. Use a "
        "model that was saved earlier."
    )
    EGP071 = (
        "'{name}': the weights '{param}' of '{layer}' in {source} do not have the "
        "shape or type of the layer. Use a model that was saved earlier."
    )
    EGP030 = "'{name}': {setting} must be True or False, but it is {value!r}."
    EGP031 = (
        "'{name}': {setting} must be a string that is not empty, but it is {value!r}."
    )
    EGP032 = (
        "'{name}': {setting} must be a positive whole number of tokens or None (no "
        "limit), but it is {value!r}."
    )
    EGP033 = (
        "'{name}': the gold span '{text}' in doc.spans['{spans_key}'], which begins at "
        "character {start}, has no label. Give it a label, or remove it."
    )
    EGP034 = (
        "'{name}': {n_docs} of {n_all} docs have no vectors of '{upstream}', but "
        "'{name}' listens to it; the first is {text!r}. Run '{upstream}' on the docs "
        "first: do not exclude or disable it, and let the pipeline make the docs. Or "
        "give '{name}' its own copy, in the pipeline that has both: "
        "nlp.replace_listeners('{upstream}', '{name}', ['model.tok2vec'])."
    )
    EGP035 = (
        "'{name}': docs list their annotated labels in "
        "doc.spans['{spans_key}'].attrs['{labels_attr}'], but augmenters make docs "
        "without this list, and entities of the other labels would be learned as "
        "negatives. Read the corpus with the reader spacy-egp.Corpus.v1, which keeps "
        "the list."
    )

    EGP040 = (
        "'{name}': {setting} must give each label a probability from 0 to 1, but that "
        "of '{label}' is {value!r}."
    )
    EGP041 = (
        "'{name}': {setting} has a probability for {label!r}, which cannot be a key in "
        "a config. Rename the label with rename_label, or set one probability for all "
        "labels."
    )
    EGP042 = (
        "'{name}': {setting} must be a list of labels, or None (all), but it is "
        "{value!r}."
    )

    EGP043 = "'{name}' has no label '{label}'. Its labels are {labels}."
    EGP044 = (
        "'{name}': '{label}' is the only label that is predicted: add another one, or "
        "change predicted_labels, before you remove the label."
    )
    EGP045 = (
        "'{name}': '{label}' cannot be renamed to '{new}', because there is already a "
        "label with this name: labels are not merged. Remove one of them, or choose "
        "another name."
    )

    EGP046 = (
        "'{name}': it cannot rehearse, because it listens to '{upstream}', which "
        "changes in the training. Give it its own copy before nlp.resume_training: "
        "nlp.replace_listeners('{upstream}', '{name}', ['model.tok2vec']). Or train "
        "with the reader spacy-egp.Rehearsal.v1."
    )
    EGP047 = (
        "'{name}': {setting} must be a table of labels and positive numbers, or null, "
        "but it is {value!r}."
    )
    EGP048 = (
        "'{name}': {setting} must be positive for each label, but it is {value!r} for "
        "'{label}'."
    )

    # Encoders
    EGP021 = (
        "'{name}': there is no component for its '{listener}' to listen to. The "
        "pipeline ({pipeline}) must have a matching component (tok2vec, transformer or "
        "curated_transformer) before '{name}', and upstream in {section} must be its "
        "name or '*'."
    )
    EGP022 = (
        "'{name}': '{upstream}' has no weights, but '{name}' listens to it. A "
        "component in frozen_components is not initialized: source it from a trained "
        "pipeline, with source in [components.{upstream}]."
    )
    EGP023 = (
        "'{name}': its '{listener}' expects vectors of width {expected}, but those of "
        "'{upstream}' have width {width}. Set width in {section} to {width}."
    )
    EGP024 = (
        "'{name}': cannot find the pretrained model '{model}'. Set transformer in "
        "[paths], or the setting of your config that names the model, to a folder with "
        "{config_name} and weights, or to a name on Hugging Face's hub, which needs a "
        "network the first time."
    )
    EGP025 = (
        "'{name}': the pretrained model '{model}' does not match "
        "[components.{name}.model]. Set {changes}."
    )
    EGP026 = (
        "spacy-egp.TransformerModel.v1: stride must be from 1 to window, but window is "
        "{window} and stride is {stride}."
    )
    EGP027 = (
        "spacy-egp.TransformerModel.v1: a window of {window} word pieces is longer "
        "than the {max_pieces} that '{name}' accepts. Set window (and stride) in "
        "[components.transformer.model] to at most {max_pieces}."
    )

    # All commands
    EGP101 = "Unknown {setting} {value!r}: choose one of {choices}."
    EGP102 = "The folder {path} exists: remove it or choose another name."
    EGP103 = "{path} is not a .spacy file, or it is damaged from doc {number}: {error}"
    EGP104 = (
        "Its rows take more than {ratio} times the size of the file. If the file is "
        "right, write it as JSON Lines."
    )
    EGP105 = (
        "The lists in a row group have {n_items} items, more than {max_items}: write "
        "the file with smaller row groups."
    )
    EGP106 = (
        "A value of the row cannot be read: {error}. Correct it, or leave out the "
        "column."
    )
    EGP107 = "The footer of the Parquet file is damaged."
    EGP109 = (
        "'spacy egp {name}' cannot be imported: {error}. Install spacy-egp and its "
        "requirements again: pip install --force-reinstall spacy-egp"
    )
    EGP110 = 'The report needs matplotlib: pip install "spacy-egp[report]"'

    # spacy egp convert: the conversion
    EGP201 = (
        "Cannot split by {ratios!r}: give two ratios (train, dev) or three (train, "
        "dev, test) that add up to 1, such as 0.8,0.1,0.1."
    )
    EGP202 = (
        "No docs to write. {n_bad} records or spans that cannot be read, {n_texts} "
        "texts that are not annotated, and {n_files} files were left out. Check the "
        "files and --format."
    )
    EGP203 = (
        "The docs already have spans[{spans_key!r}]: read these with --source-key "
        "{spans_key}, or write to another --spans-key."
    )

    EGP261 = (
        "All docs belong to one document, {document}, so there is none for the other "
        "parts of the split: remove --by-document, or mark where documents begin."
    )
    EGP262 = (
        "{n_errors} records or spans cannot be read: correct them, or leave them out "
        "with --skip-bad."
    )
    EGP263 = (
        "{n_misfits} of {n_spans} spans begin or end inside a token. Set --lang to the "
        "language of the texts, or --tokenizer to the one of the annotation; --align "
        "expand extends these spans to whole tokens."
    )
    EGP264 = (
        "None of the {n_docs} docs has a span, so there is nothing to learn. Check the "
        "files, --format and what was left out."
    )

    # spacy egp convert: what cannot be read. File and line are shown before it.
    EGP210 = (
        "It has none of the formats {formats}: name its format with --format, or leave "
        "the file out."
    )
    EGP211 = "The file cannot be read from here on: {error}"
    EGP212 = "Not UTF-8, convert the file: {error}"
    EGP213 = "Not valid Unicode, correct the text or the label: {error}"
    EGP214 = (
        "The span {start}-{end} {label} is empty or not inside the text of {n_parts} "
        "{unit}: correct its offsets."
    )
    EGP215 = (
        "The span {start}-{end} has an empty label: set the label, or remove the span."
    )
    EGP216 = (
        "The characters {start}-{end} are {text}, but the annotation has {expected}: "
        "correct the offsets or the text."
    )
    EGP217 = "Not valid JSON: {error}"
    EGP218 = "Not valid JSON; the rest of the file was not read: {error}"
    EGP219 = "{value} is not a JSON object: expected something like {example}"
    EGP220 = "{location}: {error}, got {value}: expected something like {example}"
    EGP221 = "Not a DocBin, or damaged from here on: {error}"
    EGP222 = (
        "No column with IOB tags after the token: expected one for each nesting level. "
        "The columns are {columns}."
    )
    EGP223 = "{columns} has an empty token: add it, or remove the line."
    EGP224 = "{tag} is not an IOB tag: expected O, or B-, I-, E-, S- and a label."
    EGP225 = "{tag} does not continue a span of its label: correct the tags."
    EGP226 = "brat has only .txt, .ann (or .a1 and .a2) and .conf files."
    EGP227 = "There is no {name} next to it: add this file, or leave the other one out."
    EGP228 = "{line} is not a span: expected something like 'T1<tab>PER 0 3<tab>Ann'."
    EGP229 = "{line} is not a brat annotation: these begin with one of {kinds}."
    EGP230 = (
        'The entity {start}-{end} has no text in "entity", which shows whether '
        "end_idx is inclusive: add it."
    )
    EGP231 = (
        '"data" has neither a "text" nor one text under another key: rename the key of '
        'the text to "text". The keys are {keys}.'
    )
    EGP232 = "The tokens do not add up to the text: correct or remove them."
    EGP233 = "Not a regular file: it may be a pipe, a device or a broken link."
    EGP234 = (
        "It decompresses to more than {ratio} times its size. If that is right, "
        "decompress it first."
    )
    EGP235 = "A record of more than {max_bytes} bytes: divide it."
    EGP236 = "Not Parquet, or damaged from here on: {error}"
    EGP237 = "A span of the doc has an empty label: set the label, or remove the span."
    EGP238 = (
        "The text of {n_chars} characters is longer than spaCy's nlp.max_length, "
        "{max_length}: divide it."
    )
    EGP239 = (
        "The tokenizer of {tokenizer} is for the language {tokenizer_lang!r}, but "
        "--lang is {lang!r}: remove --lang."
    )
    EGP240 = (
        "Several columns have tags, and it is not clear which of them are entities: "
        "name these columns with --columns. The columns are {columns}."
    )
    EGP241 = (
        "There is no column {name!r}: correct --columns. The columns are {columns}."
    )
    EGP242 = (
        "The offsets of the HTML region {text} do not fit the text, because it has "
        "markup: annotate plain text, or convert the HTML first."
    )
    EGP243 = "There are no paragraphs {start} to {end}: correct the region."
    EGP244 = (
        "{n_tokens} tokens, but {n_tags} tags under {keys}: name the keys of the tags "
        "with --columns. The keys are {found}."
    )
    EGP245 = (
        "The tag {tag} is not one of {n_names} names: list the names of numbered tags "
        "in their order with --label-names O,B-PER,I-PER."
    )
    EGP246 = "{label} annotates a part of a token: annotate whole tokens."
    EGP247 = (
        "{line} is not a token: expected something like '1-1<tab>0-3<tab>Ann<tab>PER'."
    )
    EGP248 = "{line} is not a row of CoNLL-U, which has ten columns."
    EGP249 = "The brackets of the entity {entity} do not match: correct them."
    EGP250 = (
        "{line} is not an annotation: expected something like "
        "'1<tab>0<tab>3<tab>Ann<tab>PER<tab>-'."
    )
    EGP251 = "Not CSV from here on: {error}"
    EGP252 = "The mention of {label} has the offsets {value}: correct them."
    EGP253 = (
        "{line} is not a list of entities: expected something like "
        "'0,2 G#DNA|3,4 G#DNA', or an empty line."
    )
    EGP254 = (
        "{n_lines} lines for a sentence, which has the tokens, their tags (optional), "
        "and the entities: separate sentences by a blank line."
    )
    EGP255 = 'Reading UIMA CAS needs dkpro-cassis: pip install "spacy-egp[formats]"'
    EGP256 = "There is no type system next to it: add {name} or TypeSystem.xml."
    EGP257 = "Not a UIMA CAS, or damaged: {error}"
    EGP258 = "The row has {n_cells} cells, but the header {n_columns}: correct it."
    EGP259 = (
        "It is not clear which of the texts was annotated: rename the key of this text "
        'to "text". The keys are {keys}.'
    )
    EGP260 = "The file is empty."
    EGP265 = (
        "{n_sentences} sentences, but {n_lists} lists of spans: add a list for each "
        "sentence, empty if it has no spans."
    )
    EGP282 = (
        "Archives inside it have more than {max_files} files: extract them, and name "
        "the folder."
    )
    EGP283 = (
        "Archives are nested more than {max_archives} deep: extract it, and name the "
        "file or folder."
    )
    EGP284 = "It is INCEpTION's copy of a text before anybody annotates it."
    EGP293 = "A record of more than {max_parts} lines, elements or items: divide it."
    EGP294 = (
        "{n_errors} values in one record do not fit: expected something like {example}"
    )
    EGP295 = "{n_tags} tags on one token are more than {max_tags}: correct the columns."
    EGP296 = "The key {key} occurs twice in a JSON object: remove one."
    EGP297 = (
        "The output would overwrite {path}, which is an input: choose another name."
    )
    EGP298 = "true and false are not numbers"
    EGP290 = "Not XML from here on: {error}"
    EGP291 = "Elements that are nested more than {max_depth} deep: correct the file."
    EGP292 = (
        "The entity &{name}; is not defined: replace it by its character, or define it."
    )

    # spacy egp check
    EGP270 = "There are no docs: check the path."
    EGP271 = (
        "None of the {n_docs} docs has doc.spans['{spans_key}']: they count as not "
        "annotated.{hint}"
    )
    EGP272 = (
        "None of the {n_docs} annotated docs has a span, so there is nothing to learn: "
        "check the program that made them."
    )
    EGP273 = "{n_spans} spans have no label: give them labels, or remove them."
    EGP274 = (
        "{n_misaligned} of {n_spans} spans do not fit the tokens of the pipeline. "
        "Compare [nlp] lang and [nlp.tokenizer] with the tokenizer of the corpus."
    )
    EGP275 = (
        "None of the {n_spans} spans can be learned; the reasons are counted below."
    )
    EGP276 = (
        "{n_docs} docs have a doc.spans['{spans_key}'].attrs['{labels_attr}'] that is "
        "not a list of strings: correct it."
    )
    EGP277 = (
        "The pipeline ({pipeline}) must have one 'egp_ner', but there are {n}: add "
        "one, or choose one with --component."
    )

    EGP278 = (
        "{n_folds} folds need at least two and as many annotated docs with different "
        "texts, but there are {n_texts}."
    )
    EGP279 = (
        "A trained pipeline has its own config: pass either the pipeline, with "
        "--model, or the --config of a training, with --folds."
    )
    EGP280 = (
        "{settings} would override settings of --config, but there is no --config: add "
        "it."
    )

    # spacy egp report
    EGP301 = "Cannot read the pipeline {model}: {error}"
    EGP302 = "The pipeline has no component {component}. Its components are {names}."
    EGP303 = (
        "The pipeline has several 'egp_ner' components: choose one of {names} with "
        "--component."
    )
    EGP304 = (
        "None of the {n_docs} docs has gold spans in doc.spans['{spans_key}'], which "
        "'{name}' predicts: annotate them, or convert them with --spans-key "
        "{spans_key}."
    )
    EGP305 = (
        "There is no {path}. Let spaCy write it during training: "
        "--training.logger.output_file {path}, with the logger spacy.ConsoleLogger.v3 "
        "as in this package's configs."
    )
    EGP306 = (
        "{path} is not a log of '{name}' with scores of doc.spans['{spans_key}']: "
        "{error!r}"
    )
    EGP307 = (
        "There are no docs in {path}: name a .spacy file with docs, or a folder of "
        "such files."
    )
    EGP308 = (
        "The report would overwrite {path}, which is {name}: choose another name for "
        "{output}."
    )
    EGP309 = "{path} does not end in {suffix}: choose another name for {output}."
    EGP340 = (
        "{path}, {name}, is not a .spacy file: make one with spacy egp convert {path} "
        "OUTPUT.spacy, or name a folder of such files."
    )
    EGP341 = (
        "{model} writes doc.spans['{other_key}'], not doc.spans['{spans_key}'] as "
        "'{name}' does: compare pipelines with the same key."
    )

    # spacy egp threshold
    EGP310 = (
        "Choose one of --precision and --recall: the command maximizes the other one."
    )
    EGP311 = (
        "The docs have no gold spans in doc.spans['{spans_key}'], which '{name}' "
        "predicts: annotate them, or convert them with --spans-key {spans_key}."
    )

    # spacy egp labels
    EGP312 = "Nothing to do: name labels with --rename OLD=NEW or --remove LABEL."
    EGP313 = "--rename needs OLD=NEW, but it is {value!r}."

    # spacy egp init-config
    EGP320 = (
        "The encoder {encoder} does not use a transformer such as {transformer!r}: "
        "choose --encoder trf or curated_trf, or leave out --transformer."
    )
    EGP321 = "There is no language {lang!r}: {error}"
    EGP322 = (
        "{transformer!r} has the type {type!r}, but curated_trf supports only "
        "{choices}: choose --encoder trf, which supports any type."
    )
    EGP323 = (
        "None of the {n_docs} docs in {path} has a span in doc.spans[{spans_key!r}]. "
        "Their keys are {keys}. Convert them with --spans-key {spans_key}."
    )
    EGP324 = "{path} exists: choose another name, or overwrite it with --force."

    # spacy egp annotate: the run
    EGP325 = (
        "The format {format} cannot be written to standard output: name a folder, or "
        "choose jsonl, prodigy or doccano with --format."
    )
    EGP401 = "The cluster address {address} needs the engine ray: add --engine ray."
    EGP402 = "There is no pipeline {model}: name a folder or a package."
    EGP403 = (
        "{model} does not write doc.spans[{spans_key!r}], but the keys {keys}: choose "
        "one with --spans-key."
    )
    EGP404 = "There are no input files at {url}: name a file, a folder or a pattern."
    EGP405 = "There are no documents in {url}: its files are empty."
    EGP406 = (
        "{url} has none of the formats {suffixes} (or compressed with {compressed}): "
        "rename it, or leave it out."
    )
    EGP407 = "{url} cannot be read; replace it or leave it out: {error}"
    EGP408 = (
        "{url} has no column {column!r}: name the column of the text with "
        "--text-column, one of {columns}."
    )
    EGP409 = (
        "{url} and {first} have different columns: annotate them separately, or write "
        "JSONL."
    )
    EGP410 = 'Parquet needs pyarrow: pip install "spacy-egp[parquet]"'
    EGP411 = 'The engine ray needs Ray: pip install "spacy-egp[ray]"'
    EGP412 = "{url} is not an output of this command: name another folder."
    EGP413 = (
        "{url} has parts of another run: {setting} was {old!r} and is now {new!r}. Run "
        "that command again, or name another folder."
    )
    EGP414 = (
        "A worker process was killed, perhaps for lack of memory. Finished parts are "
        "kept: run the same command again to resume."
    )
    EGP415 = "A worker failed: {error}"
    EGP416 = (
        "Ray has given up a part whose workers were killed {n_retries} times. Finished "
        "parts are kept: run the same command again to resume, with a lower "
        "--n-process or --batch-words if memory ran out. {error}"
    )

    EGP417 = (
        "A worker needs {needed} {name}, but the Ray cluster has {available}: set a "
        "lower --gpu-share, or add a node."
    )

    # spacy egp annotate: documents that fail. File and line are shown with them.
    EGP421 = (
        "Not an object with the key {column!r}: name the column of the text with "
        "--text-column."
    )
    EGP422 = "The text is not a string, but of type {type}."
    EGP423 = (
        "The document has {n_chars} characters, but --max-chars allows {max_chars}: "
        "raise it, or split the document."
    )
    EGP424 = "The pipeline has dropped the document."
    EGP425 = "The input already has a column {column!r}: rename it."
    EGP426 = (
        "The first documents have no column {column!r}, so the schema lacks it: write "
        "JSONL, or give all documents the same columns."
    )
    EGP427 = (
        "The column {column!r} has integers in the first documents, but {value} here: "
        "write JSONL, or correct the column."
    )

    # spacy egp annotate: the run, continued
    EGP428 = "There is no Python file {path}: correct --code."
    EGP429 = "Cannot import {path}; correct the file or --code: {error}"
    EGP430 = (
        "It has changed since the run began. Restore it and run the same command "
        "again, or annotate the new version into another folder."
    )
    EGP432 = "{url} has two columns {column!r}: rename one of them."
    EGP437 = (
        "{url} has parts, but its _manifest.json, which lists their sources, is "
        "damaged or missing: name another folder."
    )
    EGP439 = (
        "The output is a folder of parts, but {path} is the name of a file: name a "
        "folder, such as {name}."
    )
    EGP438 = (
        "{option} is a setting of 'egp_ner', but {model} has no egp_ner that writes "
        "doc.spans[{spans_key!r}]: leave it out. Components: {names}."
    )
    EGP434 = (
        "{url} is not a regular file, but a folder, a pipe, a socket or a device. The "
        "input is read twice: write it to a file, or leave it out."
    )
    EGP435 = (
        "{url} needs the compression {compression}, which this Python does not "
        "support: for zstd, pip install zstandard, or decompress the file."
    )

    # spacy egp annotate: documents that fail, continued
    EGP431 = "The row is in a damaged part of the file: {error}"
    EGP436 = (
        "The document took more than {seconds:g} seconds: raise --max-seconds, or "
        "split the document."
    )
    EGP440 = (
        "Another run is writing to {url}: wait until it has ended, or name another "
        "folder."
    )
    EGP441 = "max_seconds must be more than 0 and at most {most:g}, but it is {value}."
    EGP433 = "The column {column!r} is not valid Unicode: rename it."

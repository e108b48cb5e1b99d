-- One workspace. SERIAL and BYTES stand for the engine's own types (world/database.py).
-- Indexes are made when a world's rows are in, so those of the populous tables stand apart, unique ones too.
-- Moments are microseconds UTC. Flags are true or false. Deleting a project, dataset, data row or label marks it.

CREATE TABLE workspace (
  name TEXT NOT NULL,
  scenario TEXT NOT NULL,
  seed BIGINT NOT NULL,
  ends BIGINT NOT NULL,
  incarnation TEXT NOT NULL,
  sequence BIGINT NOT NULL,
  organization_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  clock_offset BIGINT NOT NULL,
  clock_frozen_at BIGINT,
  progression TEXT NOT NULL,
  switches TEXT NOT NULL,
  faults TEXT NOT NULL,
  payload_date TEXT,
  key_revoked BOOLEAN NOT NULL DEFAULT FALSE,
  files TEXT NOT NULL DEFAULT '[]',
  requested_faults BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE organization (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
);

CREATE TABLE role (id TEXT PRIMARY KEY, position INTEGER NOT NULL, name TEXT NOT NULL);

CREATE TABLE person (
  id TEXT PRIMARY KEY, email TEXT NOT NULL, name TEXT NOT NULL, nickname TEXT NOT NULL, picture TEXT NOT NULL,
  is_viewer BOOLEAN NOT NULL, is_external_user BOOLEAN NOT NULL, timezone TEXT NOT NULL, role_id TEXT NOT NULL,
  created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, deleted BOOLEAN NOT NULL DEFAULT FALSE
);

-- Keys that users created beside the one that names the workspace. Their texts are not kept.
CREATE TABLE api_key (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, user_id TEXT NOT NULL, role_id TEXT NOT NULL, created_by TEXT NOT NULL,
  allowed_ip_cidrs TEXT NOT NULL, expires_at BIGINT NOT NULL, revoked BOOLEAN NOT NULL, created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE TABLE user_group (
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, color TEXT NOT NULL, description TEXT NOT NULL,
  created_by TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
);
CREATE TABLE group_member (
  group_id TEXT NOT NULL, user_id TEXT NOT NULL, role_id TEXT NOT NULL, PRIMARY KEY (group_id, user_id)
);
CREATE TABLE group_project (group_id TEXT NOT NULL, project_id TEXT NOT NULL, PRIMARY KEY (group_id, project_id));
CREATE TABLE invite (
  id TEXT PRIMARY KEY, email TEXT NOT NULL, role_id TEXT NOT NULL, created_by TEXT NOT NULL, created_at BIGINT NOT NULL
);
CREATE TABLE project_invite (
  id TEXT PRIMARY KEY, invite_id TEXT NOT NULL, project_id TEXT NOT NULL, role_id TEXT NOT NULL
);

CREATE TABLE group_invite (
  invite_id TEXT NOT NULL, group_id TEXT NOT NULL, role_id TEXT NOT NULL, PRIMARY KEY (invite_id, group_id)
);
-- The audit log of user groups, whose groups may be deleted.
CREATE TABLE group_event (
  no SERIAL, id TEXT NOT NULL UNIQUE, group_id TEXT NOT NULL, type TEXT NOT NULL, channel TEXT NOT NULL,
  actor_id TEXT, member_id TEXT, previous_role_id TEXT, role_id TEXT, project_id TEXT, occurred_at BIGINT NOT NULL
);

CREATE TABLE labeling_frontend (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT NOT NULL, iframe_url_path TEXT NOT NULL
);

CREATE TABLE ontology (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT, media_type TEXT, normalized TEXT NOT NULL,
  created_by TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
);

-- Tools and questions that clients created; ontologies hold copies of them.
CREATE TABLE feature_schema (
  id TEXT PRIMARY KEY, node_id TEXT NOT NULL, normalized TEXT NOT NULL, created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, deleted BOOLEAN NOT NULL
);

CREATE TABLE project (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT, allowed_media_type TEXT, queue_mode TEXT NOT NULL,
  editor_task_type TEXT, ontology_id TEXT, labeling_frontend_id TEXT, is_benchmark_enabled BOOLEAN NOT NULL,
  is_consensus_enabled BOOLEAN NOT NULL, auto_audit_percentage DOUBLE PRECISION NOT NULL,
  auto_audit_number_of_labels INTEGER NOT NULL, setup_complete BIGINT, shows_predictions BOOLEAN NOT NULL,
  model_setup_complete BOOLEAN, created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, deleted BOOLEAN NOT NULL, review_quota DOUBLE PRECISION,
  frontend_options TEXT
);

CREATE TABLE resource_tag (
  id TEXT PRIMARY KEY, text TEXT NOT NULL, color TEXT NOT NULL, created_by TEXT NOT NULL, created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE TABLE project_tag (project_id TEXT NOT NULL, tag_id TEXT NOT NULL, PRIMARY KEY (project_id, tag_id));

CREATE TABLE project_member (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL, user_id TEXT NOT NULL, role_id TEXT NOT NULL,
  access_from TEXT NOT NULL
);
CREATE INDEX project_member_of_project ON project_member (project_id);

CREATE TABLE task_queue (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL,
  description TEXT NOT NULL, queue_type TEXT NOT NULL
);
CREATE INDEX task_queue_of_project ON task_queue (project_id, position);

-- `config` is the object that the client sent: nodes and edges.
CREATE TABLE project_workflow (project_id TEXT PRIMARY KEY, config TEXT NOT NULL, updated_at BIGINT NOT NULL);

-- The labeling service that a project hires.
CREATE TABLE project_workforce (
  project_id TEXT PRIMARY KEY, id TEXT NOT NULL, status TEXT NOT NULL, created_by TEXT NOT NULL, requested_by TEXT,
  created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
);

CREATE TABLE batch (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL,
  number_of_labels INTEGER NOT NULL, coverage_percentage DOUBLE PRECISION NOT NULL,
  created_by TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
);
CREATE INDEX batch_of_project ON batch (project_id, created_at);


CREATE TABLE dataset (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT, created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, deleted BOOLEAN NOT NULL, signer_id TEXT
);

-- Accesses to clouds. `settings` is a JSON object of one provider.
CREATE TABLE iam_integration (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, provider TEXT NOT NULL, settings TEXT NOT NULL, is_org_default BOOLEAN NOT NULL,
  last_valid_at BIGINT, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
);

-- `row_data` is the customer's URL or text; `asset` is the recipe of a file that we host, or of such a text.
-- `metadata` is a JSON object: schema id -> a string, a number, or the id of an enum's option.
CREATE TABLE data_row (
  no SERIAL, id TEXT NOT NULL, dataset_id TEXT NOT NULL, external_id TEXT, global_key TEXT,
  media_type TEXT NOT NULL, row_data TEXT, asset TEXT, media_attributes TEXT NOT NULL, metadata TEXT NOT NULL, created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, last_activity_at BIGINT NOT NULL, deleted BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX data_row_by_id ON data_row (id);
-- The global key of a deleted data row may be given again (SDK tests test_data_rows.py).
CREATE UNIQUE INDEX data_row_by_global_key ON data_row (global_key) WHERE NOT deleted;
CREATE INDEX data_row_of_dataset ON data_row (dataset_id, no);
CREATE INDEX data_row_by_external_id ON data_row (external_id);
CREATE INDEX data_row_by_activity ON data_row (last_activity_at);
-- Few rows are deleted, so what lives is counted as all less these.
CREATE INDEX data_row_deleted ON data_row (no) WHERE deleted;

-- Like a data row, `value` is the customer's URL or text, and `asset` the recipe of a file that we host.
CREATE TABLE attachment (
  no SERIAL, id TEXT NOT NULL, data_row_no BIGINT NOT NULL, type TEXT NOT NULL, value TEXT, asset TEXT,
  name TEXT
);
CREATE UNIQUE INDEX attachment_by_id ON attachment (id);
CREATE INDEX attachment_of_row ON attachment (data_row_no, no);

CREATE TABLE metadata_schema (
  id TEXT PRIMARY KEY, position INTEGER NOT NULL, parent_id TEXT, name TEXT NOT NULL, kind TEXT NOT NULL,
  reserved BOOLEAN NOT NULL
);

CREATE TABLE embedding (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, dimensions INTEGER NOT NULL, is_custom BOOLEAN NOT NULL
);
CREATE TABLE embedding_vector (
  data_row_no BIGINT NOT NULL, embedding_id TEXT NOT NULL, body_id BIGINT NOT NULL,
  PRIMARY KEY (data_row_no, embedding_id)
);

-- Where a data row stands in a project, and how it came there (JSON as exports write it, world/labels.py). No queue:
-- Done.
CREATE TABLE project_row (
  project_id TEXT NOT NULL, data_row_no BIGINT NOT NULL, batch_id TEXT NOT NULL, task_queue_id TEXT,
  workflow_status TEXT NOT NULL, priority INTEGER NOT NULL, expected_label_count INTEGER NOT NULL,
  selected_label_id TEXT, workflow_history TEXT NOT NULL, reserved_by TEXT,
  PRIMARY KEY (project_id, data_row_no)
);
CREATE INDEX project_row_by_status ON project_row (project_id, workflow_status, data_row_no);
CREATE INDEX project_row_of_row ON project_row (data_row_no);
CREATE INDEX project_row_by_batch ON project_row (batch_id, data_row_no);

-- Canonical JSON (world/labels.py); large populations share bodies. `aside` is what V2 does not say.
CREATE TABLE body (id SERIAL, content BYTES NOT NULL, aside TEXT);

CREATE TABLE label (
  no SERIAL, id TEXT NOT NULL, project_id TEXT NOT NULL, data_row_no BIGINT NOT NULL,
  feature_prefix TEXT NOT NULL, body_id BIGINT NOT NULL, skipped BOOLEAN NOT NULL,
  seconds_to_create INTEGER NOT NULL, seconds_to_review INTEGER NOT NULL, seconds_to_rework INTEGER NOT NULL,
  is_benchmark BOOLEAN NOT NULL,
  consensus_score DOUBLE PRECISION, benchmark_score DOUBLE PRECISION, created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, content_updated_at BIGINT NOT NULL, deleted BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX label_by_id ON label (id);
CREATE UNIQUE INDEX label_by_feature_prefix ON label (feature_prefix);
CREATE INDEX label_of_project ON label (project_id, data_row_no, no);
CREATE INDEX label_of_row ON label (data_row_no);
CREATE INDEX label_live ON label (project_id, data_row_no) WHERE NOT deleted;
CREATE INDEX label_by_creation ON label (project_id, created_at, data_row_no) WHERE NOT deleted;
CREATE INDEX label_by_moment ON label (created_at, data_row_no) WHERE NOT deleted;

-- Annotations that labelers find on a data row (world/imports.py).
CREATE TABLE pre_label (
  project_id TEXT NOT NULL, data_row_no BIGINT NOT NULL, body_id BIGINT NOT NULL, import_id TEXT NOT NULL,
  created_at BIGINT NOT NULL, PRIMARY KEY (project_id, data_row_no)
);
CREATE INDEX pre_label_of_import ON pre_label (import_id);

-- Labels as they were at hand-offs; bodies stay.
CREATE TABLE label_version (
  no SERIAL, id TEXT NOT NULL UNIQUE, label_id TEXT NOT NULL, project_id TEXT NOT NULL, data_row_no BIGINT NOT NULL,
  action TEXT NOT NULL, created_by TEXT NOT NULL, created_at BIGINT NOT NULL, queue_id TEXT, queue_name TEXT,
  queue_type TEXT, feature_prefix TEXT NOT NULL, body_id BIGINT NOT NULL, annotation_count INTEGER NOT NULL
);
CREATE INDEX label_version_of_project ON label_version (project_id, no);
CREATE TABLE label_feedback (
  label_no BIGINT PRIMARY KEY, id TEXT NOT NULL, feedback TEXT NOT NULL, scores TEXT NOT NULL,
  created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
);
CREATE TABLE review (
  no SERIAL, id TEXT NOT NULL, label_no BIGINT NOT NULL, score DOUBLE PRECISION NOT NULL,
  created_by TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX review_by_id ON review (id);
CREATE INDEX review_of_label ON review (label_no, no);

CREATE TABLE issue (
  no SERIAL, id TEXT NOT NULL UNIQUE, project_id TEXT NOT NULL, data_row_no BIGINT NOT NULL, label_id TEXT,
  status TEXT NOT NULL, content TEXT NOT NULL, created_by TEXT NOT NULL, created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL, deleted BOOLEAN NOT NULL, category_id TEXT, position TEXT, content_updated_at BIGINT,
  resolved_by TEXT
);
CREATE TABLE issue_category (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX issue_of_row ON issue (project_id, data_row_no) WHERE NOT deleted;
CREATE INDEX issue_by_row ON issue (data_row_no) WHERE NOT deleted;
CREATE TABLE comment (
  no SERIAL, id TEXT NOT NULL UNIQUE, issue_no BIGINT NOT NULL, content TEXT NOT NULL, created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL, updated_at BIGINT
);
CREATE INDEX comment_of_issue ON comment (issue_no, no);

-- What happened since the world began to be served. A fork or reset starts without tasks, events and outbox.
CREATE TABLE task (
  no SERIAL, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, name TEXT, status TEXT NOT NULL,
  completion_percentage DOUBLE PRECISION NOT NULL, request TEXT NOT NULL, base_url TEXT NOT NULL, pace TEXT NOT NULL, streams TEXT NOT NULL,
  failure TEXT, created_by TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
  polls BIGINT NOT NULL DEFAULT 0, requested_failure TEXT, hangs BOOLEAN NOT NULL DEFAULT FALSE
);

CREATE TABLE annotation_import (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, parent_id TEXT NOT NULL, name TEXT NOT NULL, failed BOOLEAN NOT NULL,
  pace TEXT NOT NULL, input_url TEXT, input_id TEXT, status_id TEXT NOT NULL, error_id TEXT NOT NULL,
  created_by TEXT NOT NULL, created_at BIGINT NOT NULL, polls BIGINT NOT NULL DEFAULT 0,
  rows_done BIGINT NOT NULL DEFAULT 0, ended BOOLEAN NOT NULL DEFAULT TRUE
);
CREATE INDEX annotation_import_by_name ON annotation_import (parent_id, name);

-- Files that clients have uploaded; their bytes are beside the database (workspaces/uploads.py).
CREATE TABLE upload (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, content_type TEXT, size BIGINT NOT NULL, created_at BIGINT NOT NULL
);

-- Jobs that clients poll by id: their results are ready from the start.
CREATE TABLE job (no SERIAL, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, result TEXT NOT NULL, created_at BIGINT NOT NULL);

-- What became of each data row that an import task was sent: its number, or why it was refused.
CREATE TABLE import_row (
  task_no BIGINT NOT NULL, position INTEGER NOT NULL, data_row_no BIGINT, message TEXT, spec TEXT,
  PRIMARY KEY (task_no, position)
);
CREATE INDEX import_row_refused ON import_row (task_no, position) WHERE data_row_no IS NULL;

CREATE TABLE event (
  no SERIAL, kind TEXT NOT NULL, at BIGINT NOT NULL, project_id TEXT, data_row_id TEXT, label_id TEXT,
  details TEXT NOT NULL
);
-- Which data row of a project something happened to last (control/happenings.py).
CREATE INDEX event_of_row ON event (project_id, no) WHERE data_row_id IS NOT NULL;

-- Webhooks: who is told of what, what is on its way, and every try. Two lives would tell one receiver, so subscriptions
-- stay behind too.
CREATE TABLE subscription (
  no SERIAL, id TEXT NOT NULL UNIQUE, project_id TEXT, url TEXT NOT NULL, secret TEXT NOT NULL,
  previous_secret TEXT, previous_until BIGINT, topics TEXT NOT NULL,
  version TEXT NOT NULL, status TEXT NOT NULL, retries TEXT NOT NULL, ordered BOOLEAN NOT NULL,
  concurrency INTEGER NOT NULL, timeout DOUBLE PRECISION NOT NULL, misbehave TEXT, failing_since BIGINT, ended_because TEXT,
  dropped INTEGER NOT NULL, created_by TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
);

CREATE TABLE outbox (
  no SERIAL, id TEXT NOT NULL UNIQUE, event_no BIGINT NOT NULL, subscription_id TEXT NOT NULL, topic TEXT NOT NULL,
  url TEXT NOT NULL, headers TEXT NOT NULL, body BYTES NOT NULL, rendered_late BOOLEAN NOT NULL, state TEXT NOT NULL,
  attempts INTEGER NOT NULL, failures INTEGER NOT NULL, due_at BIGINT, made_at BIGINT NOT NULL
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_due_to ON outbox (subscription_id, due_at, no) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_in_order ON outbox (subscription_id, no) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_of_event ON outbox (event_no, subscription_id);
CREATE INDEX outbox_by_state ON outbox (state, no);
CREATE INDEX outbox_by_topic ON outbox (topic, no);
CREATE INDEX outbox_to ON outbox (subscription_id, no);

CREATE TABLE attempt (
  no SERIAL, delivery_no BIGINT NOT NULL, number INTEGER NOT NULL, at BIGINT NOT NULL, url TEXT NOT NULL,
  seconds DOUBLE PRECISION NOT NULL, status INTEGER, answer_headers TEXT NOT NULL, answer BYTES NOT NULL,
  answer_size BIGINT NOT NULL, failure TEXT, reason TEXT NOT NULL, next_at BIGINT
);
CREATE INDEX attempt_of_delivery ON attempt (delivery_no, number);

-- Files of Export V1. Whoever asks the same again is shown the same file, for a while.
CREATE TABLE legacy_file (
  no SERIAL, id TEXT NOT NULL UNIQUE, question TEXT NOT NULL, base_url TEXT NOT NULL, status TEXT NOT NULL,
  told BOOLEAN NOT NULL, pace TEXT NOT NULL, after_event BIGINT NOT NULL, failure TEXT, created_at BIGINT NOT NULL,
  polls BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX legacy_file_of_question ON legacy_file (question, no);

-- Polls of processing, by a digest of what was polled, and the faults that tests have requested, with their counts.
CREATE TABLE poll (no SERIAL, name TEXT NOT NULL UNIQUE, since BIGINT NOT NULL, polls BIGINT NOT NULL);
CREATE TABLE fault (
  no SERIAL, rule TEXT NOT NULL, ends BIGINT, calls BIGINT NOT NULL, hits BIGINT NOT NULL,
  window_no BIGINT NOT NULL, passed BIGINT NOT NULL
);

-- Models, their runs, and saved searches of the catalog.
CREATE TABLE model (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, ontology_id TEXT, created_by TEXT NOT NULL, created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL, deleted BOOLEAN NOT NULL
);
CREATE TABLE model_run (
  id TEXT PRIMARY KEY, model_id TEXT NOT NULL, name TEXT NOT NULL, training_metadata TEXT, training_pipeline TEXT, created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, deleted BOOLEAN NOT NULL, model_app_id TEXT
);
-- Apps of the service's model catalog; `experiment_id` is the model that their runs belong to.
CREATE TABLE foundry_app (
  id TEXT PRIMARY KEY, model_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT, inference_params TEXT NOT NULL,
  class_to_schema_id TEXT NOT NULL, ontology_id TEXT NOT NULL, experiment_id TEXT, created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX model_run_of_model ON model_run (model_id);
CREATE TABLE model_run_row (
  no SERIAL, id TEXT NOT NULL, model_run_id TEXT NOT NULL, data_row_no BIGINT NOT NULL,
  data_split TEXT NOT NULL, label_id TEXT
);
CREATE UNIQUE INDEX model_run_row_by_id ON model_run_row (id);
CREATE UNIQUE INDEX model_run_row_of_run ON model_run_row (model_run_id, data_row_no);
CREATE INDEX model_run_row_of_row ON model_run_row (data_row_no);
CREATE TABLE prediction (
  no SERIAL, id TEXT NOT NULL, model_run_id TEXT NOT NULL, data_row_no BIGINT NOT NULL,
  feature_prefix TEXT NOT NULL, body_id BIGINT NOT NULL, created_by TEXT NOT NULL, created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX prediction_by_id ON prediction (id);
CREATE UNIQUE INDEX prediction_by_feature_prefix ON prediction (feature_prefix);
CREATE INDEX prediction_of_row ON prediction (data_row_no, no);
-- Metrics of a data row in a run that clients imported with predictions; `value` is JSON.
CREATE TABLE run_metric (
  no SERIAL, id TEXT NOT NULL UNIQUE, model_run_id TEXT NOT NULL, data_row_no BIGINT NOT NULL, name TEXT,
  feature_name TEXT, subclass_name TEXT, aggregation TEXT NOT NULL, value TEXT NOT NULL, created_at BIGINT NOT NULL
);
CREATE INDEX run_metric_of_row ON run_metric (model_run_id, data_row_no);
CREATE TABLE model_config (
  id TEXT PRIMARY KEY, model_id TEXT NOT NULL, name TEXT NOT NULL, inference_params TEXT NOT NULL, created_at BIGINT NOT NULL
);
CREATE TABLE project_model_config (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL, model_config_id TEXT NOT NULL, response_count INTEGER
);
CREATE TABLE catalog_slice (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT, query TEXT NOT NULL, created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, deleted BOOLEAN NOT NULL, sorting TEXT
);

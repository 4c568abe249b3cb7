-- The demo target: the database of a web scraping and site curation business, grown over years.
--
-- It holds what a clean-up of ENUM types meets in practice: one meaning under many names, one name with
-- two meanings, types nobody uses, defaults, arrays, views and functions that hold on to their types.
-- Everything is deterministic (no random values, fixed times) and needs no superuser: the role that
-- applies it must own the database. Run it as one text, best in one transaction.

CREATE SCHEMA archive;
COMMENT ON SCHEMA archive IS 'Demo target: invoices and reports of closed years';

-- ---------------------------------------------------------------------------------------------------
-- ENUM types. The first type of a group is the one that a clean-up might keep; the others say why they
-- are redundant. CONFLICT marks a type whose name suggests equality that its values refute.
-- ---------------------------------------------------------------------------------------------------

-- Group 1. Curation: what a curator decided. Nine types for one list.
CREATE TYPE public.sitemap_curation_status AS ENUM ('New', 'Queued', 'Processing', 'Complete', 'Error', 'Skipped');
--   domain_curation_status: equal values
CREATE TYPE public.domain_curation_status AS ENUM ('New', 'Queued', 'Processing', 'Complete', 'Error', 'Skipped');
--   page_curation_status: equal values
CREATE TYPE public.page_curation_status AS ENUM ('New', 'Queued', 'Processing', 'Complete', 'Error', 'Skipped');
--   place_curation_status: equal values
CREATE TYPE public.place_curation_status AS ENUM ('New', 'Queued', 'Processing', 'Complete', 'Error', 'Skipped');
--   local_business_curation_status: equal values
CREATE TYPE public.local_business_curation_status AS ENUM ('New', 'Queued', 'Processing', 'Complete', 'Error', 'Skipped');
--   sitemap_file_curation_status: equal values
CREATE TYPE public.sitemap_file_curation_status AS ENUM ('New', 'Queued', 'Processing', 'Complete', 'Error', 'Skipped');
--   contact_curation_status: equal but for order
CREATE TYPE public.contact_curation_status AS ENUM ('New', 'Queued', 'Processing', 'Error', 'Complete', 'Skipped');
--   curation_status: equal but for case or punctuation
CREATE TYPE public.curation_status AS ENUM ('new', 'queued', 'processing', 'complete', 'error', 'skipped');
--   CurationStatus: equal but for case or punctuation; name equal to curation_status
CREATE TYPE public."CurationStatus" AS ENUM ('NEW', 'QUEUED', 'PROCESSING', 'COMPLETE', 'ERROR', 'SKIPPED');

-- Group 2. Processing: how far a background worker came. Ten types for one list.
CREATE TYPE public.page_processing_status AS ENUM ('Queued', 'Processing', 'Complete', 'Error');
--   sitemap_import_process_status: equal values
CREATE TYPE public.sitemap_import_process_status AS ENUM ('Queued', 'Processing', 'Complete', 'Error');
--   domain_extraction_status: equal values
CREATE TYPE public.domain_extraction_status AS ENUM ('Queued', 'Processing', 'Complete', 'Error');
--   sitemap_analysis_status: equal values
CREATE TYPE public.sitemap_analysis_status AS ENUM ('Queued', 'Processing', 'Complete', 'Error');
--   deep_scan_status: equal values
CREATE TYPE public.deep_scan_status AS ENUM ('Queued', 'Processing', 'Complete', 'Error');
--   local_business_extract_status: equal values
CREATE TYPE public.local_business_extract_status AS ENUM ('Queued', 'Processing', 'Complete', 'Error');
--   processingstatus: equal values
CREATE TYPE public.processingstatus AS ENUM ('Queued', 'Processing', 'Complete', 'Error');
--   contact_processing_status: equal but for order
CREATE TYPE public.contact_processing_status AS ENUM ('Error', 'Queued', 'Processing', 'Complete');
--   gcp_api_deep_scan_status: equal but for case or punctuation
CREATE TYPE public.gcp_api_deep_scan_status AS ENUM ('queued', 'processing', 'complete', 'error');
--   processing_status_enum: equal but for case or punctuation; name equal to processingstatus
CREATE TYPE public.processing_status_enum AS ENUM ('QUEUED', 'PROCESSING', 'COMPLETE', 'ERROR');

-- Group 3. Tasks and jobs. Six types for one list, and two that only look like it.
CREATE TYPE public.task_status AS ENUM ('pending', 'running', 'completed', 'failed', 'cancelled');
--   taskstatus: equal values; name equal to task_status
CREATE TYPE public.taskstatus AS ENUM ('pending', 'running', 'completed', 'failed', 'cancelled');
--   job_status: equal values
CREATE TYPE public.job_status AS ENUM ('pending', 'running', 'completed', 'failed', 'cancelled');
--   jobstatus: equal values; name equal to job_status
CREATE TYPE public.jobstatus AS ENUM ('pending', 'running', 'completed', 'failed', 'cancelled');
--   batch_job_status: equal but for case or punctuation
CREATE TYPE public.batch_job_status AS ENUM ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED');
--   scheduler_run_status: equal but for order
CREATE TYPE public.scheduler_run_status AS ENUM ('pending', 'running', 'failed', 'completed', 'cancelled');
--   task_status_enum: CONFLICT: equal name, other values than task_status
CREATE TYPE public.task_status_enum AS ENUM ('Queued', 'InProgress', 'Completed', 'Error', 'ManualReview');
--   TaskStatus: CONFLICT: equal name, other values than task_status
CREATE TYPE public."TaskStatus" AS ENUM ('pending', 'running', 'complete', 'failed');

-- Group 4. Three-valued answers.
CREATE TYPE public.robots_allowed AS ENUM ('unknown', 'yes', 'no');
--   has_sitemap_flag: equal but for order
CREATE TYPE public.has_sitemap_flag AS ENUM ('yes', 'no', 'unknown');
--   tri_state: equal but for case or punctuation
CREATE TYPE public.tri_state AS ENUM ('UNKNOWN', 'YES', 'NO');

-- Group 5. Searches.
CREATE TYPE public.search_status AS ENUM ('Idle', 'Searching', 'Found', 'Not_Found', 'Failed');
--   single_search_status: equal values
CREATE TYPE public.single_search_status AS ENUM ('Idle', 'Searching', 'Found', 'Not_Found', 'Failed');
--   search_status_enum: equal but for case or punctuation; name equal to search_status
CREATE TYPE public.search_status_enum AS ENUM ('idle', 'searching', 'found', 'not-found', 'failed');
--   searchstatus: CONFLICT: equal name, other values than search_status
CREATE TYPE public.searchstatus AS ENUM ('RUNNING', 'COMPLETED', 'FAILED');

-- Group 6. Kinds of sitemap.
CREATE TYPE public.sitemap_type AS ENUM ('INDEX', 'STANDARD', 'IMAGE', 'VIDEO', 'NEWS');
--   sitemaptype: equal values; name equal to sitemap_type
CREATE TYPE public.sitemaptype AS ENUM ('INDEX', 'STANDARD', 'IMAGE', 'VIDEO', 'NEWS');
--   sitemap_type_enum: equal but for case or punctuation; name equal to sitemap_type
CREATE TYPE public.sitemap_type_enum AS ENUM ('index', 'standard', 'image', 'video', 'news');
--   sitemap_file_type: equal but for order
CREATE TYPE public.sitemap_file_type AS ENUM ('NEWS', 'INDEX', 'STANDARD', 'IMAGE', 'VIDEO');

-- Group 7. Kinds of page.
CREATE TYPE public.page_type AS ENUM ('home', 'about', 'contact', 'product', 'blog', 'legal', 'other');
--   page_type_enum: equal values; name equal to page_type
CREATE TYPE public.page_type_enum AS ENUM ('home', 'about', 'contact', 'product', 'blog', 'legal', 'other');
--   landing_page_type: equal but for case or punctuation
CREATE TYPE public.landing_page_type AS ENUM ('HOME', 'ABOUT', 'CONTACT', 'PRODUCT', 'BLOG', 'LEGAL', 'OTHER');
--   pagetype: CONFLICT: equal name, other values than page_type
CREATE TYPE public.pagetype AS ENUM ('home', 'landing', 'form', 'unknown');

-- Group 8. Kinds of e-mail address.
CREATE TYPE public.contact_email_type AS ENUM ('service', 'corporate', 'personal', 'unknown');
--   email_type: equal values
CREATE TYPE public.email_type AS ENUM ('service', 'corporate', 'personal', 'unknown');
--   contactemailtype_enum: equal but for order; name equal to contact_email_type
CREATE TYPE public.contactemailtype_enum AS ENUM ('unknown', 'service', 'corporate', 'personal');
--   emailtype: equal but for case or punctuation; name equal to email_type
CREATE TYPE public.emailtype AS ENUM ('SERVICE', 'CORPORATE', 'PERSONAL', 'UNKNOWN');

-- Group 9. Synchronisation with the sales systems.
CREATE TYPE public.hubspot_sync_status AS ENUM ('not_synced', 'queued', 'syncing', 'synced', 'sync_failed');
--   hubspotsyncstatus: equal values; name equal to hubspot_sync_status
CREATE TYPE public.hubspotsyncstatus AS ENUM ('not_synced', 'queued', 'syncing', 'synced', 'sync_failed');
--   brevo_sync_status: equal values
CREATE TYPE public.brevo_sync_status AS ENUM ('not_synced', 'queued', 'syncing', 'synced', 'sync_failed');
--   mautic_sync_status: equal but for order
CREATE TYPE public.mautic_sync_status AS ENUM ('queued', 'syncing', 'synced', 'sync_failed', 'not_synced');
--   crm_sync_status: equal but for case or punctuation
CREATE TYPE public.crm_sync_status AS ENUM ('NOT-SYNCED', 'QUEUED', 'SYNCING', 'SYNCED', 'SYNC-FAILED');
--   hubspot_sync_status_enum: CONFLICT: equal name, other values than hubspot_sync_status
CREATE TYPE public.hubspot_sync_status_enum AS ENUM ('New', 'Selected', 'Synced');

-- Group 10. Priority and severity.
CREATE TYPE public.priority_level AS ENUM ('low', 'medium', 'high', 'critical');
--   prioritylevel: equal values; name equal to priority_level
CREATE TYPE public.prioritylevel AS ENUM ('low', 'medium', 'high', 'critical');
--   ticket_priority: equal but for case or punctuation
CREATE TYPE public.ticket_priority AS ENUM ('LOW', 'MEDIUM', 'HIGH', 'CRITICAL');
--   alert_severity: equal but for order
CREATE TYPE public.alert_severity AS ENUM ('critical', 'high', 'medium', 'low');
--   PriorityLevel: CONFLICT: equal name, other values than priority_level
CREATE TYPE public."PriorityLevel" AS ENUM ('P1', 'P2', 'P3', 'P4');

-- Group 11. Roles of people.
CREATE TYPE public.user_role AS ENUM ('viewer', 'curator', 'editor', 'admin');
--   userrole: equal values; name equal to user_role
CREATE TYPE public.userrole AS ENUM ('viewer', 'curator', 'editor', 'admin');
--   member_role: equal but for order
CREATE TYPE public.member_role AS ENUM ('admin', 'editor', 'curator', 'viewer');
--   app_role_enum: equal but for case or punctuation
CREATE TYPE public.app_role_enum AS ENUM ('VIEWER', 'CURATOR', 'EDITOR', 'ADMIN');

-- Group 12. HTTP methods.
CREATE TYPE public.http_method AS ENUM ('GET', 'POST', 'PUT', 'PATCH', 'DELETE');
--   httpmethod: equal values; name equal to http_method
CREATE TYPE public.httpmethod AS ENUM ('GET', 'POST', 'PUT', 'PATCH', 'DELETE');
--   request_method: equal but for case or punctuation
CREATE TYPE public.request_method AS ENUM ('get', 'post', 'put', 'patch', 'delete');

-- Group 13. Life of a record.
CREATE TYPE public.record_state AS ENUM ('active', 'inactive', 'archived');
--   recordstate: equal values; name equal to record_state
CREATE TYPE public.recordstate AS ENUM ('active', 'inactive', 'archived');
--   batch_state: equal values
CREATE TYPE public.batch_state AS ENUM ('active', 'inactive', 'archived');
--   tenant_state: equal but for case or punctuation
CREATE TYPE public.tenant_state AS ENUM ('ACTIVE', 'INACTIVE', 'ARCHIVED');
--   batchstate_enum: CONFLICT: equal name, other values than batch_state
CREATE TYPE public.batchstate_enum AS ENUM ('open', 'sealed', 'shipped');

-- Group 14. Verification.
CREATE TYPE public.domain_verification_status AS ENUM ('unverified', 'pending', 'verified', 'rejected');
--   email_verification_status: equal values
CREATE TYPE public.email_verification_status AS ENUM ('unverified', 'pending', 'verified', 'rejected');
--   phone_verification_status: equal but for order and case
CREATE TYPE public.phone_verification_status AS ENUM ('VERIFIED', 'PENDING', 'UNVERIFIED', 'REJECTED');

-- Group 15. Frequency of reports: one name, two meanings.
CREATE TYPE public.report_frequency AS ENUM ('daily', 'weekly', 'monthly');
--   reportfrequency_enum: CONFLICT: equal name, other values than report_frequency
CREATE TYPE public.reportfrequency_enum AS ENUM ('D', 'W', 'M', 'Q');

-- Group 16. Unused: no column, function or view knows them.
--   legacy_export_format: unused
CREATE TYPE public.legacy_export_format AS ENUM ('csv', 'xlsx', 'json');
--   import_mode: unused
CREATE TYPE public.import_mode AS ENUM ('append', 'replace', 'merge');
--   beta_feature_state: unused
CREATE TYPE public.beta_feature_state AS ENUM ('off', 'staff', 'everyone');
--   widget_layout: unused
CREATE TYPE public.widget_layout AS ENUM ('grid', 'list', 'map');
--   ab_test_arm: unused
CREATE TYPE public.ab_test_arm AS ENUM ('control', 'blue', 'green');

-- Group 17. Alone: these eight say something that no other type says.
CREATE TYPE public.currency_code AS ENUM ('EUR', 'USD', 'GBP', 'CHF');
CREATE TYPE public.crawl_depth AS ENUM ('shallow', 'normal', 'deep');
CREATE TYPE public.scrape_engine AS ENUM ('requests', 'playwright', 'scrapy');
CREATE TYPE public.url_scheme AS ENUM ('http', 'https');
CREATE TYPE public.change_frequency AS ENUM ('always', 'hourly', 'every_day', 'every_week', 'every_month', 'yearly', 'never');
CREATE TYPE public.consent_state AS ENUM ('not_asked', 'given', 'withdrawn');
CREATE TYPE public.file_risk AS ENUM ('contained', 'shared', 'structural');
CREATE TYPE public.webhook_event AS ENUM ('page.curated', 'contact.found', 'import.finished');

-- A second schema holds the same name once more.
CREATE TYPE archive.report_frequency AS ENUM ('daily', 'weekly', 'monthly');

COMMENT ON TYPE public.curation_status IS 'Meant to replace all other curation types in 2023; only the log moved';
COMMENT ON TYPE public."CurationStatus" IS 'Created by an ORM that quoted the class name';
COMMENT ON TYPE public.task_status_enum IS 'From the job runner that was retired in 2022';
COMMENT ON TYPE public.change_frequency IS 'As in the sitemap protocol, renamed where Python reserved the words';

CREATE DOMAIN public.curated_status AS public.curation_status
    DEFAULT 'new' CONSTRAINT curated_is_known CHECK (VALUE IS NOT NULL);
COMMENT ON DOMAIN public.curated_status IS 'A curation status that is always known';

-- ---------------------------------------------------------------------------------------------------
-- People and tenants
-- ---------------------------------------------------------------------------------------------------

CREATE TABLE public.tenants (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name varchar(120) NOT NULL UNIQUE,
    state public.tenant_state NOT NULL DEFAULT 'ACTIVE',
    currency public.currency_code NOT NULL DEFAULT 'EUR',
    created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);
COMMENT ON TABLE public.tenants IS 'Customers whose sites are curated';

CREATE TABLE public.app_users (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email varchar(255) NOT NULL UNIQUE,
    full_name varchar(200) NOT NULL,
    role public.user_role NOT NULL DEFAULT 'viewer',
    granted_roles public.userrole[] NOT NULL DEFAULT '{viewer}',
    email_verification public.email_verification_status NOT NULL DEFAULT 'unverified',
    phone_verification public.phone_verification_status NOT NULL DEFAULT 'UNVERIFIED',
    state public.record_state NOT NULL DEFAULT 'active'
);

CREATE TABLE public.tenant_members (
    tenant_id uuid NOT NULL REFERENCES public.tenants (id) ON DELETE CASCADE,
    user_id integer NOT NULL REFERENCES public.app_users (id),
    role public.member_role NOT NULL DEFAULT 'viewer',
    app_role public.app_role_enum NOT NULL DEFAULT 'VIEWER',
    PRIMARY KEY (tenant_id, user_id)
);

CREATE TABLE public.tenant_notes (
    id bigserial PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES public.tenants (id) ON DELETE CASCADE,
    author_id integer REFERENCES public.app_users (id),
    body text NOT NULL,
    priority public.priority_level NOT NULL DEFAULT 'low',
    is_private boolean NOT NULL DEFAULT false,
    written_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);
COMMENT ON TABLE public.tenant_notes IS 'Row security: a private note is read by its own tenant only';
ALTER TABLE public.tenant_notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_reads_own_notes ON public.tenant_notes FOR SELECT
    USING (NOT is_private OR tenant_id::text = current_setting('app.tenant', true));

-- ---------------------------------------------------------------------------------------------------
-- WF1 single search, WF2 staging editor
-- ---------------------------------------------------------------------------------------------------

CREATE TABLE public.place_searches (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES public.tenants (id),
    query varchar(255) NOT NULL,
    status public.search_status NOT NULL DEFAULT 'Idle',
    deep_scan public.gcp_api_deep_scan_status,
    created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE public.search_history (
    id bigserial PRIMARY KEY,
    search_id uuid NOT NULL REFERENCES public.place_searches (id) ON DELETE CASCADE,
    status public.single_search_status NOT NULL,
    reported public.search_status_enum,
    engine_status public.searchstatus NOT NULL DEFAULT 'RUNNING',
    happened_at timestamptz NOT NULL
);

CREATE TABLE public.places_staging (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    search_id uuid REFERENCES public.place_searches (id),
    place_id varchar(64) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    curation_status public.place_curation_status NOT NULL DEFAULT 'New',
    deep_scan_status public.deep_scan_status,
    priority public.prioritylevel NOT NULL DEFAULT 'medium'
);
CREATE INDEX ix_places_staging_new ON public.places_staging (search_id) WHERE curation_status = 'New';

CREATE TABLE public.staging_batches (
    id serial PRIMARY KEY,
    label varchar(80) NOT NULL UNIQUE,
    state public.batch_state NOT NULL DEFAULT 'active',
    shipment public.batchstate_enum NOT NULL DEFAULT 'open'
);

-- ---------------------------------------------------------------------------------------------------
-- WF3 local business, WF4 domain
-- ---------------------------------------------------------------------------------------------------

CREATE TABLE public."BusinessCategory" (
    "Id" serial PRIMARY KEY,
    "DisplayName" varchar(120) NOT NULL UNIQUE,
    "ReviewStatus" public."CurationStatus" NOT NULL DEFAULT 'NEW',
    state public.recordstate NOT NULL DEFAULT 'active'
);
COMMENT ON TABLE public."BusinessCategory" IS 'Mixed case: made by the first version of the ORM';

CREATE TABLE public.domains (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES public.tenants (id),
    domain varchar(255) NOT NULL UNIQUE,
    scheme public.url_scheme NOT NULL DEFAULT 'https',
    curation_status public.domain_curation_status NOT NULL DEFAULT 'New',
    extraction_status public.domain_extraction_status,
    sitemap_analysis_status public.sitemap_analysis_status DEFAULT 'Queued',
    has_sitemap public.has_sitemap_flag NOT NULL DEFAULT 'unknown',
    has_ssl public.tri_state NOT NULL DEFAULT 'UNKNOWN',
    verification public.domain_verification_status NOT NULL DEFAULT 'unverified',
    hubspot_sync public.hubspot_sync_status NOT NULL DEFAULT 'not_synced',
    depth public.crawl_depth NOT NULL DEFAULT 'normal',
    last_error text,
    updated_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT extraction_error_is_explained CHECK (extraction_status <> 'Error' OR last_error IS NOT NULL)
);
COMMENT ON COLUMN public.domains.curation_status IS 'Set by a curator in the domain workflow';

CREATE TABLE public.local_businesses (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    place_id uuid REFERENCES public.places_staging (id),
    category_id integer REFERENCES public."BusinessCategory" ("Id"),
    domain_id uuid REFERENCES public.domains (id),
    name varchar(255) NOT NULL,
    curation_status public.local_business_curation_status NOT NULL DEFAULT 'New',
    extract_status public.local_business_extract_status,
    earlier_statuses public.local_business_curation_status[] NOT NULL DEFAULT '{}'
);

CREATE TABLE public.robots_rules (
    id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    domain_id uuid NOT NULL REFERENCES public.domains (id) ON DELETE CASCADE,
    path varchar(255) NOT NULL,
    allowed public.robots_allowed NOT NULL DEFAULT 'unknown',
    methods public.http_method[] NOT NULL DEFAULT '{GET}'
);

-- ---------------------------------------------------------------------------------------------------
-- WF5 sitemap curation, WF6 sitemap import
-- ---------------------------------------------------------------------------------------------------

CREATE TABLE public.sitemaps (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    domain_id uuid NOT NULL REFERENCES public.domains (id) ON DELETE CASCADE,
    url varchar(500) NOT NULL UNIQUE,
    sitemap_type public.sitemap_type NOT NULL DEFAULT 'STANDARD',
    curation_status public.sitemap_curation_status NOT NULL DEFAULT 'New'
);

CREATE TABLE public.sitemap_files (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    sitemap_id uuid NOT NULL REFERENCES public.sitemaps (id) ON DELETE CASCADE,
    parent_id uuid REFERENCES public.sitemap_files (id),
    file_type public.sitemap_file_type NOT NULL DEFAULT 'STANDARD',
    curation_status public.sitemap_file_curation_status NOT NULL DEFAULT 'New'
);

CREATE TABLE public.sitemap_imports (
    id serial PRIMARY KEY,
    sitemap_id uuid NOT NULL REFERENCES public.sitemaps (id),
    sitemap_type public.sitemaptype NOT NULL DEFAULT 'STANDARD',
    process_status public.sitemap_import_process_status NOT NULL DEFAULT 'Queued',
    started_at timestamptz NOT NULL
);

CREATE TABLE public.sitemap_urls (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    import_id integer NOT NULL REFERENCES public.sitemap_imports (id) ON DELETE CASCADE,
    url varchar(500) NOT NULL,
    source_type public.sitemap_type_enum NOT NULL DEFAULT 'standard',
    changes public.change_frequency NOT NULL DEFAULT 'every_month'
);

-- ---------------------------------------------------------------------------------------------------
-- WF7 page curation, WF8 contacts
-- ---------------------------------------------------------------------------------------------------

CREATE TABLE public.pages (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    domain_id uuid NOT NULL REFERENCES public.domains (id) ON DELETE CASCADE,
    url varchar(500) NOT NULL UNIQUE,
    page_type public.page_type NOT NULL DEFAULT 'other',
    suggested_types public.page_type_enum[] NOT NULL DEFAULT '{}',
    landing_type public.landing_page_type,
    legacy_type public.pagetype DEFAULT 'unknown',
    curation_status public.page_curation_status NOT NULL DEFAULT 'New',
    processing_status public.page_processing_status,
    engine public.scrape_engine NOT NULL DEFAULT 'requests'
);

CREATE TABLE public.contacts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    page_id uuid REFERENCES public.pages (id) ON DELETE SET NULL,
    name varchar(200) NOT NULL,
    email_type public.contact_email_type NOT NULL DEFAULT 'unknown',
    secondary_types public.emailtype[] NOT NULL DEFAULT '{}',
    curation_status public.contact_curation_status NOT NULL DEFAULT 'New',
    processing_status public.contact_processing_status,
    consent public.consent_state NOT NULL DEFAULT 'not_asked'
);

CREATE TABLE public.contact_emails (
    id bigserial PRIMARY KEY,
    contact_id uuid NOT NULL REFERENCES public.contacts (id) ON DELETE CASCADE,
    email varchar(255) NOT NULL,
    email_type public.email_type NOT NULL DEFAULT 'unknown',
    guessed_type public.contactemailtype_enum
);

CREATE TABLE public.crm_syncs (
    id bigserial PRIMARY KEY,
    contact_id uuid NOT NULL REFERENCES public.contacts (id) ON DELETE CASCADE,
    hubspot public.hubspotsyncstatus NOT NULL DEFAULT 'not_synced',
    brevo public.brevo_sync_status NOT NULL DEFAULT 'not_synced',
    mautic public.mautic_sync_status NOT NULL DEFAULT 'not_synced',
    overall public.crm_sync_status NOT NULL DEFAULT 'NOT-SYNCED',
    selected public.hubspot_sync_status_enum NOT NULL DEFAULT 'New'
);

CREATE TABLE public.curation_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    page_id uuid REFERENCES public.pages (id) ON DELETE CASCADE,
    status public.curated_status NOT NULL,
    worker_status public.processing_status_enum NOT NULL DEFAULT 'QUEUED',
    logged_at timestamptz NOT NULL
);

-- ---------------------------------------------------------------------------------------------------
-- WF9 jobs, and what runs beside the workflows
-- ---------------------------------------------------------------------------------------------------

CREATE TABLE public.batch_jobs (
    id serial PRIMARY KEY,
    batch_id integer REFERENCES public.staging_batches (id),
    status public.batch_job_status NOT NULL DEFAULT 'PENDING'
);

CREATE TABLE public.jobs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    batch_job_id integer REFERENCES public.batch_jobs (id),
    kind varchar(60) NOT NULL,
    status public.job_status NOT NULL DEFAULT 'pending',
    error text,
    CONSTRAINT failed_jobs_have_an_error CHECK (status <> 'failed'::public.job_status OR error IS NOT NULL)
);

CREATE TABLE public.job_attempts (
    job_id uuid NOT NULL REFERENCES public.jobs (id) ON DELETE CASCADE,
    attempt smallint NOT NULL CHECK (attempt BETWEEN 1 AND 9),
    status public.jobstatus NOT NULL DEFAULT 'running',
    PRIMARY KEY (job_id, attempt)
);

CREATE TABLE public.task_queue (
    id bigserial PRIMARY KEY,
    name varchar(120) NOT NULL,
    status public.task_status NOT NULL DEFAULT 'pending',
    previous_status public."TaskStatus",
    queued_at timestamptz NOT NULL
);

CREATE TABLE public.task_history (
    id bigserial PRIMARY KEY,
    task_id bigint NOT NULL REFERENCES public.task_queue (id) ON DELETE CASCADE,
    status public.taskstatus NOT NULL,
    legacy_status public.task_status_enum DEFAULT 'Queued'
);

CREATE TABLE public.scheduler_runs (
    id serial PRIMARY KEY,
    status public.scheduler_run_status NOT NULL DEFAULT 'pending',
    started_at timestamptz NOT NULL
);

CREATE TABLE public.api_requests (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id integer REFERENCES public.app_users (id),
    path varchar(255) NOT NULL,
    method public.httpmethod NOT NULL DEFAULT 'GET',
    raw_method public.request_method NOT NULL DEFAULT 'get'
);

CREATE TABLE public.alerts (
    id serial PRIMARY KEY,
    title varchar(160) NOT NULL,
    severity public.alert_severity NOT NULL DEFAULT 'low',
    escalation public."PriorityLevel" NOT NULL DEFAULT 'P4'
);

CREATE TABLE public.tickets (
    id serial PRIMARY KEY,
    alert_id integer REFERENCES public.alerts (id),
    priority public.ticket_priority NOT NULL DEFAULT 'MEDIUM',
    report_every public.report_frequency
);

CREATE TABLE public.webhooks (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES public.tenants (id) ON DELETE CASCADE,
    url varchar(500) NOT NULL,
    events public.webhook_event[] NOT NULL DEFAULT '{page.curated}',
    digest_every public.reportfrequency_enum NOT NULL DEFAULT 'D'
);

CREATE TABLE public.scrape_events (
    happened_at timestamptz NOT NULL,
    domain_id uuid NOT NULL REFERENCES public.domains (id) ON DELETE CASCADE,
    status public.processingstatus NOT NULL DEFAULT 'Queued',
    engine public.scrape_engine NOT NULL DEFAULT 'requests',
    bytes integer NOT NULL DEFAULT 0
) PARTITION BY RANGE (happened_at);
CREATE TABLE public.scrape_events_2024 PARTITION OF public.scrape_events
    FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2025-01-01 00:00:00+00');
CREATE TABLE public.scrape_events_2025 PARTITION OF public.scrape_events
    FOR VALUES FROM ('2025-01-01 00:00:00+00') TO ('2026-01-01 00:00:00+00');
CREATE INDEX ix_scrape_events_domain ON public.scrape_events (domain_id, happened_at);

CREATE TABLE archive.reports (
    id serial PRIMARY KEY,
    tenant_id uuid REFERENCES public.tenants (id) ON DELETE SET NULL,
    frequency archive.report_frequency NOT NULL DEFAULT 'monthly',
    amount numeric(10, 2) NOT NULL CHECK (amount >= 0),
    closed_on date NOT NULL
);

-- ---------------------------------------------------------------------------------------------------
-- The audit of the source tree
-- ---------------------------------------------------------------------------------------------------

CREATE TABLE public.file_audit (
    id serial PRIMARY KEY,
    file_number varchar(4) NOT NULL UNIQUE,
    file_path varchar(255) NOT NULL UNIQUE,
    file_name varchar(100) NOT NULL,
    layer_number integer NOT NULL,
    layer_name varchar(50) NOT NULL,
    status varchar(20) NOT NULL CHECK (status IN ('NOVEL', 'SHARED', 'SYSTEM')),
    workflows varchar[] NOT NULL DEFAULT '{}',
    has_technical_debt boolean DEFAULT false,
    technical_debt text,
    jira_tickets varchar[],
    audit_status varchar(50),
    audit_date timestamptz,
    audited_by varchar(100),
    notes text,
    created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    line_count integer CHECK (line_count >= 0),
    content_digest char(32),
    risk public.file_risk NOT NULL DEFAULT 'contained',
    risk_history public.file_risk[] NOT NULL DEFAULT '{}',
    owner_email varchar(255),
    superseded_by integer REFERENCES public.file_audit (id) ON DELETE SET NULL
);
COMMENT ON TABLE public.file_audit IS 'One row for each source file, as of the audit of May 2025';
COMMENT ON COLUMN public.file_audit.file_number IS 'Four digits, never given twice';
COMMENT ON COLUMN public.file_audit.workflows IS 'WF1 to WF9, or SYSTEM for infrastructure';
COMMENT ON COLUMN public.file_audit.superseded_by IS 'The file that took over what this one did';
CREATE INDEX ix_file_audit_layer ON public.file_audit (layer_number);
CREATE INDEX ix_file_audit_workflows ON public.file_audit USING gin (workflows);

CREATE TABLE public.file_audit_comments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file_id integer NOT NULL REFERENCES public.file_audit (id) ON DELETE RESTRICT,
    author varchar(100) NOT NULL,
    body text NOT NULL,
    severity public.priority_level NOT NULL DEFAULT 'low',
    written_at timestamptz NOT NULL
);
COMMENT ON TABLE public.file_audit_comments IS 'What reviewers said about a file';

-- ---------------------------------------------------------------------------------------------------
-- Functions, a trigger and views that hold on to the types
-- ---------------------------------------------------------------------------------------------------

CREATE FUNCTION public.queued_after_curation(decision public.domain_curation_status)
    RETURNS public.page_processing_status LANGUAGE sql IMMUTABLE STRICT
    RETURN CASE WHEN decision = 'Queued'::public.domain_curation_status
                THEN 'Queued'::public.page_processing_status END;
COMMENT ON FUNCTION public.queued_after_curation(public.domain_curation_status) IS
    'The processing that a decision of a curator asks for';

CREATE FUNCTION public.open_tasks(wanted public.task_status[] DEFAULT '{pending,running}')
    RETURNS bigint LANGUAGE sql STABLE
    BEGIN ATOMIC
        SELECT count(*) FROM public.task_queue WHERE status = ANY (wanted);
    END;

CREATE FUNCTION public.note_curation() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public AS $body$
DECLARE
    decided public.curation_status := lower(NEW.curation_status::text)::public.curation_status;
BEGIN
    INSERT INTO public.curation_log (page_id, status, logged_at) VALUES (NEW.id, decided, CURRENT_TIMESTAMP);
    RETURN NULL;
END
$body$;

CREATE TRIGGER pages_note_curation AFTER UPDATE OF curation_status ON public.pages
    FOR EACH ROW WHEN (OLD.curation_status IS DISTINCT FROM NEW.curation_status)
    EXECUTE FUNCTION public.note_curation();

CREATE VIEW public.domains_to_review AS
    SELECT d.id, d.domain, d.curation_status, d.extraction_status, t.name AS tenant
      FROM public.domains AS d
      JOIN public.tenants AS t ON t.id = d.tenant_id
     WHERE d.curation_status IN ('New', 'Error') AND t.state = 'ACTIVE';
COMMENT ON VIEW public.domains_to_review IS 'What a curator of domains sees in the morning';

CREATE VIEW public.page_progress AS
    SELECT page_type, processing_status, count(*) AS pages
      FROM public.pages
     GROUP BY page_type, processing_status;

CREATE MATERIALIZED VIEW public.domain_health AS
    SELECT domain_id, status, count(*) AS events, sum(bytes) AS bytes
      FROM public.scrape_events
     GROUP BY domain_id, status
    WITH NO DATA;

CREATE VIEW public.audited_files AS
    SELECT a.file_number, a.file_path, a.layer_number, a.layer_name, a.status, a.workflows, a.risk,
           (SELECT count(*) FROM public.file_audit_comments AS c WHERE c.file_id = a.id) AS comments
      FROM public.file_audit AS a;
COMMENT ON VIEW public.audited_files IS 'The audit with the number of comments on each file';

-- ---------------------------------------------------------------------------------------------------
-- Rows
-- ---------------------------------------------------------------------------------------------------

INSERT INTO public.tenants (id, name, state, currency, created_at)
SELECT md5('tenant ' || n)::uuid, 'Tenant ' || n,
       (enum_range(NULL::public.tenant_state))[CASE WHEN n % 5 = 0 THEN 2 ELSE 1 END], (enum_range(NULL::public.currency_code))[1 + n % 4],
       timestamptz '2024-01-08 08:00:00+00' + n * interval '1 day'
  FROM generate_series(1, 12) AS n;

INSERT INTO public.app_users (email, full_name, role, granted_roles, email_verification)
SELECT 'person' || n || '@example.org', 'Person ' || n, (enum_range(NULL::public.user_role))[1 + n % 4],
       (enum_range(NULL::public.userrole))[1:1 + n % 4], (enum_range(NULL::public.email_verification_status))[1 + n % 4]
  FROM generate_series(1, 40) AS n;

INSERT INTO public.tenant_members (tenant_id, user_id, role, app_role)
SELECT md5('tenant ' || 1 + id % 12)::uuid, id, role::text::public.member_role, upper(role::text)::public.app_role_enum
  FROM public.app_users;

INSERT INTO public.tenant_notes (tenant_id, author_id, body, priority, is_private, written_at)
SELECT md5('tenant ' || 1 + n % 12)::uuid, 1 + n % 40, 'Note ' || n, (enum_range(NULL::public.priority_level))[1 + n % 4],
       n % 3 = 0, timestamptz '2025-01-06 08:00:00+00' + n * interval '1 hour'
  FROM generate_series(1, 60) AS n;

INSERT INTO public.place_searches (id, tenant_id, query, status, deep_scan, created_at)
SELECT md5('search ' || n)::uuid, md5('tenant ' || 1 + n % 12)::uuid, 'bakery near ' || n,
       (enum_range(NULL::public.search_status))[1 + n % 5], (enum_range(NULL::public.gcp_api_deep_scan_status))[1 + n % 4],
       timestamptz '2025-01-06 08:00:00+00' + n * interval '3 hours'
  FROM generate_series(1, 80) AS n;

INSERT INTO public.search_history (search_id, status, reported, engine_status, happened_at)
SELECT md5('search ' || 1 + n % 80)::uuid, (enum_range(NULL::public.single_search_status))[1 + n % 5],
       (enum_range(NULL::public.search_status_enum))[1 + n % 5], (enum_range(NULL::public.searchstatus))[1 + n % 3],
       timestamptz '2025-01-07 08:00:00+00' + n * interval '1 hour'
  FROM generate_series(1, 160) AS n;

INSERT INTO public.places_staging (id, search_id, place_id, name, curation_status, deep_scan_status, priority)
SELECT md5('place ' || n)::uuid, md5('search ' || 1 + n % 80)::uuid, 'place-' || n, 'Bakery ' || n,
       (enum_range(NULL::public.place_curation_status))[1 + n % 6], (enum_range(NULL::public.deep_scan_status))[1 + n % 4],
       (enum_range(NULL::public.prioritylevel))[1 + n % 4]
  FROM generate_series(1, 300) AS n;

INSERT INTO public.staging_batches (label, state, shipment)
SELECT 'Batch ' || n, (enum_range(NULL::public.batch_state))[1 + n % 3], (enum_range(NULL::public.batchstate_enum))[1 + n % 3]
  FROM generate_series(1, 15) AS n;

INSERT INTO public."BusinessCategory" ("DisplayName", "ReviewStatus")
SELECT 'Category ' || n, (enum_range(NULL::public."CurationStatus"))[1 + n % 6] FROM generate_series(1, 24) AS n;

INSERT INTO public.domains (id, tenant_id, domain, curation_status, extraction_status, has_sitemap, has_ssl, last_error, updated_at)
SELECT md5('domain ' || n)::uuid, md5('tenant ' || 1 + n % 12)::uuid, 'site' || n || '.example',
       (enum_range(NULL::public.domain_curation_status))[1 + n % 6],
       (enum_range(NULL::public.domain_extraction_status))[1 + n % 4],
       (enum_range(NULL::public.has_sitemap_flag))[1 + n % 3], (enum_range(NULL::public.tri_state))[1 + n % 3],
       CASE WHEN n % 4 = 3 THEN 'connection refused' END, timestamptz '2025-02-03 08:00:00+00' + n * interval '1 hour'
  FROM generate_series(1, 200) AS n;

INSERT INTO public.local_businesses (id, place_id, category_id, domain_id, name, curation_status, extract_status, earlier_statuses)
SELECT md5('business ' || n)::uuid, md5('place ' || n)::uuid, 1 + n % 24, md5('domain ' || 1 + n % 200)::uuid, 'Business ' || n,
       (enum_range(NULL::public.local_business_curation_status))[1 + n % 6],
       (enum_range(NULL::public.local_business_extract_status))[1 + n % 4],
       (enum_range(NULL::public.local_business_curation_status))[1:n % 6]
  FROM generate_series(1, 250) AS n;

INSERT INTO public.robots_rules (domain_id, path, allowed, methods)
SELECT md5('domain ' || n)::uuid, '/private/', (enum_range(NULL::public.robots_allowed))[1 + n % 3],
       (enum_range(NULL::public.http_method))[1:1 + n % 2]
  FROM generate_series(1, 120) AS n;

INSERT INTO public.sitemaps (id, domain_id, url, sitemap_type, curation_status)
SELECT md5('sitemap ' || n)::uuid, md5('domain ' || 1 + n % 200)::uuid, 'https://site' || n || '.example/sitemap.xml',
       (enum_range(NULL::public.sitemap_type))[1 + n % 5], (enum_range(NULL::public.sitemap_curation_status))[1 + n % 6]
  FROM generate_series(1, 220) AS n;

INSERT INTO public.sitemap_files (id, sitemap_id, parent_id, file_type, curation_status)
SELECT md5('sitemap file ' || n)::uuid, md5('sitemap ' || 1 + n % 220)::uuid,
       CASE WHEN n > 10 THEN md5('sitemap file ' || n % 10 + 1)::uuid END,
       (enum_range(NULL::public.sitemap_file_type))[1 + n % 5], (enum_range(NULL::public.sitemap_file_curation_status))[1 + n % 6]
  FROM generate_series(1, 260) AS n;

INSERT INTO public.sitemap_imports (sitemap_id, sitemap_type, process_status, started_at)
SELECT md5('sitemap ' || n)::uuid, (enum_range(NULL::public.sitemaptype))[1 + n % 5],
       (enum_range(NULL::public.sitemap_import_process_status))[1 + n % 4],
       timestamptz '2025-03-03 08:00:00+00' + n * interval '1 hour'
  FROM generate_series(1, 60) AS n;

INSERT INTO public.sitemap_urls (import_id, url, source_type, changes)
SELECT 1 + n % 60, 'https://site' || n || '.example/page', (enum_range(NULL::public.sitemap_type_enum))[1 + n % 5],
       (enum_range(NULL::public.change_frequency))[1 + n % 7]
  FROM generate_series(1, 600) AS n;

INSERT INTO public.pages (id, domain_id, url, page_type, suggested_types, landing_type, legacy_type, curation_status, processing_status)
SELECT md5('page ' || n)::uuid, md5('domain ' || 1 + n % 200)::uuid, 'https://site' || n || '.example/',
       (enum_range(NULL::public.page_type))[1 + n % 7], (enum_range(NULL::public.page_type_enum))[1:n % 3],
       (enum_range(NULL::public.landing_page_type))[1 + n % 7], (enum_range(NULL::public.pagetype))[1 + n % 4],
       (enum_range(NULL::public.page_curation_status))[1 + n % 6], (enum_range(NULL::public.page_processing_status))[1 + n % 4]
  FROM generate_series(1, 900) AS n;

INSERT INTO public.contacts (id, page_id, name, email_type, secondary_types, curation_status, processing_status, consent)
SELECT md5('contact ' || n)::uuid, md5('page ' || n)::uuid, 'Contact ' || n,
       (enum_range(NULL::public.contact_email_type))[1 + n % 4], (enum_range(NULL::public.emailtype))[1:n % 3],
       (enum_range(NULL::public.contact_curation_status))[1 + n % 6],
       (enum_range(NULL::public.contact_processing_status))[1 + n % 4], (enum_range(NULL::public.consent_state))[1 + n % 3]
  FROM generate_series(1, 400) AS n;

INSERT INTO public.contact_emails (contact_id, email, email_type, guessed_type)
SELECT md5('contact ' || 1 + n % 400)::uuid, 'mail' || n || '@example.org', (enum_range(NULL::public.email_type))[1 + n % 4],
       (enum_range(NULL::public.contactemailtype_enum))[1 + n % 4]
  FROM generate_series(1, 500) AS n;

INSERT INTO public.crm_syncs (contact_id, hubspot, brevo, mautic, overall, selected)
SELECT md5('contact ' || n)::uuid, (enum_range(NULL::public.hubspotsyncstatus))[1 + n % 5],
       (enum_range(NULL::public.brevo_sync_status))[1 + n % 5], (enum_range(NULL::public.mautic_sync_status))[1 + n % 5],
       (enum_range(NULL::public.crm_sync_status))[1 + n % 5], (enum_range(NULL::public.hubspot_sync_status_enum))[1 + n % 3]
  FROM generate_series(1, 200) AS n;

INSERT INTO public.curation_log (page_id, status, worker_status, logged_at)
SELECT md5('page ' || n)::uuid, (enum_range(NULL::public.curation_status))[1 + n % 6],
       (enum_range(NULL::public.processing_status_enum))[1 + n % 4], timestamptz '2025-04-07 08:00:00+00' + n * interval '1 hour'
  FROM generate_series(1, 300) AS n;

INSERT INTO public.batch_jobs (batch_id, status)
SELECT 1 + n % 15, (enum_range(NULL::public.batch_job_status))[1 + n % 5] FROM generate_series(1, 30) AS n;

INSERT INTO public.jobs (id, batch_job_id, kind, status, error)
SELECT md5('job ' || n)::uuid, 1 + n % 30, 'scrape', (enum_range(NULL::public.job_status))[1 + n % 5],
       CASE WHEN n % 5 = 3 THEN 'timeout' END
  FROM generate_series(1, 150) AS n;

INSERT INTO public.job_attempts (job_id, attempt, status)
SELECT md5('job ' || n)::uuid, attempt, (enum_range(NULL::public.jobstatus))[1 + (n + attempt) % 5]
  FROM generate_series(1, 150) AS n, generate_series(1, 2) AS attempt;

INSERT INTO public.task_queue (name, status, previous_status, queued_at)
SELECT 'Task ' || n, (enum_range(NULL::public.task_status))[1 + n % 5], (enum_range(NULL::public."TaskStatus"))[1 + n % 4],
       timestamptz '2025-05-05 08:00:00+00' + n * interval '10 minutes'
  FROM generate_series(1, 120) AS n;

INSERT INTO public.task_history (task_id, status, legacy_status)
SELECT 1 + n % 120, (enum_range(NULL::public.taskstatus))[1 + n % 5], (enum_range(NULL::public.task_status_enum))[1 + n % 5]
  FROM generate_series(1, 240) AS n;

INSERT INTO public.scheduler_runs (status, started_at)
SELECT (enum_range(NULL::public.scheduler_run_status))[1 + n % 5], timestamptz '2025-05-05 08:00:00+00' + n * interval '5 minutes'
  FROM generate_series(1, 90) AS n;

INSERT INTO public.api_requests (user_id, path, method, raw_method)
SELECT 1 + n % 40, '/api/pages/' || n, (enum_range(NULL::public.httpmethod))[1 + n % 5],
       (enum_range(NULL::public.request_method))[1 + n % 5]
  FROM generate_series(1, 350) AS n;

INSERT INTO public.alerts (title, severity, escalation)
SELECT 'Alert ' || n, (enum_range(NULL::public.alert_severity))[1 + n % 4], (enum_range(NULL::public."PriorityLevel"))[1 + n % 4]
  FROM generate_series(1, 25) AS n;

INSERT INTO public.tickets (alert_id, priority, report_every)
SELECT n, (enum_range(NULL::public.ticket_priority))[1 + n % 4], (enum_range(NULL::public.report_frequency))[1 + n % 3]
  FROM generate_series(1, 25) AS n;

INSERT INTO public.webhooks (tenant_id, url, events, digest_every)
SELECT md5('tenant ' || n)::uuid, 'https://tenant' || n || '.example/hook', (enum_range(NULL::public.webhook_event))[1:1 + n % 3],
       (enum_range(NULL::public.reportfrequency_enum))[1 + n % 4]
  FROM generate_series(1, 12) AS n;

INSERT INTO public.scrape_events (happened_at, domain_id, status, engine, bytes)
SELECT timestamptz '2024-07-01 00:00:00+00' + n * interval '8 hours', md5('domain ' || 1 + n % 200)::uuid,
       (enum_range(NULL::public.processingstatus))[1 + n % 4], (enum_range(NULL::public.scrape_engine))[1 + n % 3], n * 37 % 9000
  FROM generate_series(1, 1200) AS n;

REFRESH MATERIALIZED VIEW public.domain_health;

INSERT INTO archive.reports (tenant_id, frequency, amount, closed_on)
SELECT md5('tenant ' || 1 + n % 12)::uuid, (enum_range(NULL::archive.report_frequency))[1 + n % 3], n * 12.5, date '2023-01-31' + n * 28
  FROM generate_series(1, 24) AS n;

INSERT INTO public.file_audit
    (file_number, file_path, file_name, layer_number, layer_name, status, workflows, line_count, audit_status, notes)
VALUES
    ('0001', 'docs/WF2_V7_L0_1of1_StagingEditorGuide.py', 'WF2_V7_L0_1of1_StagingEditorGuide.py', 0, 'Documentation', 'NOVEL', '{WF2}', 4, 'pending', NULL),
    ('0002', 'docs/architecture.py', 'architecture.py', 0, 'Documentation', 'SYSTEM', '{SYSTEM}', 42, 'in_review', NULL),
    ('0003', 'docs/conf.py', 'conf.py', 0, 'Documentation', 'SYSTEM', '{SYSTEM}', 4, 'reviewed', NULL),
    ('0004', 'docs/contact_guide.py', 'contact_guide.py', 0, 'Documentation', 'NOVEL', '{WF8}', 4, 'pending', NULL),
    ('0005', 'docs/deployment.py', 'deployment.py', 0, 'Documentation', 'SYSTEM', '{SYSTEM}', 45, 'in_review', 'Moved or deleted since?'),
    ('0006', 'docs/domain_guide.py', 'domain_guide.py', 0, 'Documentation', 'NOVEL', '{WF4}', 4, 'reviewed', NULL),
    ('0007', 'docs/job_guide.py', 'job_guide.py', 0, 'Documentation', 'NOVEL', '{WF9}', 4, 'pending', NULL),
    ('0008', 'docs/local_business_guide.py', 'local_business_guide.py', 0, 'Documentation', 'NOVEL', '{WF3}', 4, 'in_review', NULL),
    ('0009', 'docs/page_guide.py', 'page_guide.py', 0, 'Documentation', 'NOVEL', '{WF7}', 4, 'reviewed', NULL),
    ('0010', 'docs/single_search_guide.py', 'single_search_guide.py', 0, 'Documentation', 'NOVEL', '{WF1}', 4, 'pending', NULL),
    ('0011', 'docs/sitemap_guide.py', 'sitemap_guide.py', 0, 'Documentation', 'NOVEL', '{WF5}', 4, 'in_review', NULL),
    ('0012', 'docs/sitemap_history.py', 'sitemap_history.py', 0, 'Documentation', 'NOVEL', '{WF5}', 52, 'reviewed', NULL),
    ('0013', 'docs/sitemap_import_guide.py', 'sitemap_import_guide.py', 0, 'Documentation', 'NOVEL', '{WF6}', 4, 'pending', NULL),
    ('0014', 'docs/staging_faq.py', 'staging_faq.py', 0, 'Documentation', 'NOVEL', '{WF2}', 54, 'in_review', NULL),
    ('0015', 'src/models/WF2_V7_2of2_StagingBatchModel.py', 'WF2_V7_2of2_StagingBatchModel.py', 1, 'Models & ENUMs', 'NOVEL', '{WF2}', 21, 'reviewed', NULL),
    ('0016', 'src/models/WF3_V2_L1_1of2_LocalBusinessModel.py', 'WF3_V2_L1_1of2_LocalBusinessModel.py', 1, 'Models & ENUMs', 'NOVEL', '{WF3}', 23, 'pending', NULL),
    ('0017', 'src/models/WF4_V7_L1_1of2_DomainModel.py', 'WF4_V7_L1_1of2_DomainModel.py', 1, 'Models & ENUMs', 'NOVEL', '{WF4}', 23, 'in_review', NULL),
    ('0018', 'src/models/WF4_V7_L1_2of2_DomainCheckModel.py', 'WF4_V7_L1_2of2_DomainCheckModel.py', 1, 'Models & ENUMs', 'NOVEL', '{WF4}', 20, 'reviewed', NULL),
    ('0019', 'src/models/WF5_V7_L1_1of2_SitemapModel.py', 'WF5_V7_L1_1of2_SitemapModel.py', 1, 'Models & ENUMs', 'NOVEL', '{WF5}', 22, 'pending', NULL),
    ('0020', 'src/models/WF6_V7_L1_3of3_ImportLogModel.py', 'WF6_V7_L1_3of3_ImportLogModel.py', 1, 'Models & ENUMs', 'NOVEL', '{WF6}', 60, 'in_review', NULL),
    ('0021', 'src/models/WF8_V7_L1_1of2_ContactModel.py', 'WF8_V7_L1_1of2_ContactModel.py', 1, 'Models & ENUMs', 'NOVEL', '{WF8}', 21, 'reviewed', NULL),
    ('0022', 'src/models/WF8_V7_L1_2of2_CrmSyncModel.py', 'WF8_V7_L1_2of2_CrmSyncModel.py', 1, 'Models & ENUMs', 'NOVEL', '{WF8}', 22, 'pending', NULL),
    ('0023', 'src/models/WF9_V7_L1_1of2_JobModel.py', 'WF9_V7_L1_1of2_JobModel.py', 1, 'Models & ENUMs', 'NOVEL', '{WF9}', 22, 'in_review', NULL),
    ('0024', 'src/models/WF9_V7_L1_2of2_TaskModel.py', 'WF9_V7_L1_2of2_TaskModel.py', 1, 'Models & ENUMs', 'NOVEL', '{WF9}', 22, 'reviewed', NULL),
    ('0025', 'src/models/__init__.py', '__init__.py', 1, 'Models & ENUMs', 'SYSTEM', '{SYSTEM}', 1, 'pending', NULL),
    ('0026', 'src/models/base.py', 'base.py', 1, 'Models & ENUMs', 'SYSTEM', '{SYSTEM}', 7, 'in_review', NULL),
    ('0027', 'src/models/business_category.py', 'business_category.py', 1, 'Models & ENUMs', 'NOVEL', '{WF3}', 23, 'reviewed', NULL),
    ('0028', 'src/models/enums.py', 'enums.py', 1, 'Models & ENUMs', 'SYSTEM', '{SYSTEM}', 19, 'pending', NULL),
    ('0029', 'src/models/old_enums.py', 'old_enums.py', 1, 'Models & ENUMs', 'SYSTEM', '{SYSTEM}', 69, 'in_review', 'Moved or deleted since?'),
    ('0030', 'src/models/page.py', 'page.py', 1, 'Models & ENUMs', 'NOVEL', '{WF7}', 24, 'reviewed', NULL),
    ('0031', 'src/models/page_progress.py', 'page_progress.py', 1, 'Models & ENUMs', 'NOVEL', '{WF7}', 20, 'pending', NULL),
    ('0032', 'src/models/place.py', 'place.py', 1, 'Models & ENUMs', 'NOVEL', '{WF2}', 72, 'in_review', NULL),
    ('0033', 'src/models/place_search.py', 'place_search.py', 1, 'Models & ENUMs', 'NOVEL', '{WF1}', 22, 'reviewed', NULL),
    ('0034', 'src/models/places_staging.py', 'places_staging.py', 1, 'Models & ENUMs', 'NOVEL', '{WF2}', 23, 'pending', NULL),
    ('0035', 'src/models/profile.py', 'profile.py', 1, 'Models & ENUMs', 'SYSTEM', '{SYSTEM}', 75, 'in_review', 'Moved or deleted since?'),
    ('0036', 'src/models/search_history.py', 'search_history.py', 1, 'Models & ENUMs', 'NOVEL', '{WF1}', 21, 'reviewed', NULL),
    ('0037', 'src/models/sitemap_import.py', 'sitemap_import.py', 1, 'Models & ENUMs', 'NOVEL', '{WF6}', 22, 'pending', NULL),
    ('0038', 'src/models/sitemap_types.py', 'sitemap_types.py', 1, 'Models & ENUMs', 'SHARED', '{WF5,WF6}', 9, 'in_review', NULL),
    ('0039', 'src/models/sitemap_url.py', 'sitemap_url.py', 1, 'Models & ENUMs', 'NOVEL', '{WF6}', 22, 'reviewed', NULL),
    ('0040', 'src/models/sitemap_v1.py', 'sitemap_v1.py', 1, 'Models & ENUMs', 'NOVEL', '{WF5}', 80, 'pending', NULL),
    ('0041', 'src/models/tenant.py', 'tenant.py', 1, 'Models & ENUMs', 'SYSTEM', '{SYSTEM}', 13, 'in_review', NULL),
    ('0042', 'src/models/wf5_v7_l1_2of2_sitemap_file_model.py', 'wf5_v7_l1_2of2_sitemap_file_model.py', 1, 'Models & ENUMs', 'NOVEL', '{WF5}', 22, 'reviewed', NULL),
    ('0043', 'src/schemas/WF1_V7_L2_2of2_.py', 'WF1_V7_L2_2of2_.py', 2, 'Schemas', 'NOVEL', '{WF1}', 10, 'pending', NULL),
    ('0044', 'src/schemas/WF4-V7-L2-1of2-DomainSchemas.py', 'WF4-V7-L2-1of2-DomainSchemas.py', 2, 'Schemas', 'NOVEL', '{WF4}', 10, 'in_review', NULL),
    ('0045', 'src/schemas/WF5_V7_L2_1of2_SitemapSchemas.py', 'WF5_V7_L2_1of2_SitemapSchemas.py', 2, 'Schemas', 'NOVEL', '{WF5}', 10, 'reviewed', NULL),
    ('0046', 'src/schemas/WF5_V7_L2_2of2_SitemapFileSchemas.py', 'WF5_V7_L2_2of2_SitemapFileSchemas.py', 2, 'Schemas', 'NOVEL', '{WF5}', 10, 'pending', NULL),
    ('0047', 'src/schemas/__init__.py', '__init__.py', 2, 'Schemas', 'SYSTEM', '{SYSTEM}', 1, 'in_review', NULL),
    ('0048', 'src/schemas/business_category_schema.py', 'business_category_schema.py', 2, 'Schemas', 'NOVEL', '{WF3}', 10, 'reviewed', NULL),
    ('0049', 'src/schemas/contact_schemas.py', 'contact_schemas.py', 2, 'Schemas', 'NOVEL', '{WF8}', 10, 'pending', NULL),
    ('0050', 'src/schemas/crm_sync_schemas.py', 'crm_sync_schemas.py', 2, 'Schemas', 'NOVEL', '{WF8}', 10, 'in_review', NULL),
    ('0051', 'src/schemas/domain_check_schemas.py', 'domain_check_schemas.py', 2, 'Schemas', 'NOVEL', '{WF4}', 10, 'reviewed', NULL),
    ('0052', 'src/schemas/email_scan.py', 'email_scan.py', 2, 'Schemas', 'NOVEL', '{WF8}', 92, 'pending', NULL),
    ('0053', 'src/schemas/job_schema.py', 'job_schema.py', 2, 'Schemas', 'NOVEL', '{WF9}', 10, 'in_review', NULL),
    ('0054', 'src/schemas/job_v1.py', 'job_v1.py', 2, 'Schemas', 'NOVEL', '{WF9}', 94, 'reviewed', NULL),
    ('0055', 'src/schemas/local_business_schema.py', 'local_business_schema.py', 2, 'Schemas', 'NOVEL', '{WF3}', 10, 'pending', NULL),
    ('0056', 'src/schemas/page_progress_schema.py', 'page_progress_schema.py', 2, 'Schemas', 'NOVEL', '{WF7}', 10, 'in_review', NULL),
    ('0057', 'src/schemas/page_schema.py', 'page_schema.py', 2, 'Schemas', 'NOVEL', '{WF7}', 10, 'reviewed', NULL),
    ('0058', 'src/schemas/page_v1.py', 'page_v1.py', 2, 'Schemas', 'NOVEL', '{WF7}', 98, 'pending', NULL),
    ('0059', 'src/schemas/pagination.py', 'pagination.py', 2, 'Schemas', 'SHARED', '{WF1,WF3,WF4,WF7}', 8, 'in_review', NULL),
    ('0060', 'src/schemas/place_search_schema.py', 'place_search_schema.py', 2, 'Schemas', 'NOVEL', '{WF1}', 10, 'reviewed', NULL),
    ('0061', 'src/schemas/places_staging_schemas.py', 'places_staging_schemas.py', 2, 'Schemas', 'NOVEL', '{WF2}', 10, 'pending', NULL),
    ('0062', 'src/schemas/profile_schema.py', 'profile_schema.py', 2, 'Schemas', 'SYSTEM', '{SYSTEM}', 102, 'in_review', NULL),
    ('0063', 'src/schemas/sitemap_import_schemas.py', 'sitemap_import_schemas.py', 2, 'Schemas', 'NOVEL', '{WF6}', 10, 'reviewed', NULL),
    ('0064', 'src/schemas/sitemap_url_schemas.py', 'sitemap_url_schemas.py', 2, 'Schemas', 'NOVEL', '{WF6}', 10, 'pending', NULL),
    ('0065', 'src/schemas/staging_batch_schemas.py', 'staging_batch_schemas.py', 2, 'Schemas', 'NOVEL', '{WF2}', 10, 'in_review', NULL),
    ('0066', 'src/schemas/task_schema.py', 'task_schema.py', 2, 'Schemas', 'NOVEL', '{WF9}', 10, 'reviewed', NULL),
    ('0067', 'src/main.py', 'main.py', 3, 'Routers', 'SYSTEM', '{SYSTEM}', 8, 'pending', NULL),
    ('0068', 'src/routers/WF12_V7_L3_1of1_TaskRouter.py', 'WF12_V7_L3_1of1_TaskRouter.py', 3, 'Routers', 'NOVEL', '{WF9}', 13, 'in_review', NULL),
    ('0069', 'src/routers/WF5_V7_L3_0of1_SitemapRouter.py', 'WF5_V7_L3_0of1_SitemapRouter.py', 3, 'Routers', 'NOVEL', '{WF5}', 13, 'reviewed', NULL),
    ('0070', 'src/routers/WF7_V7_L3_1of2_PageRouter.py', 'WF7_V7_L3_1of2_PageRouter.py', 3, 'Routers', 'NOVEL', '{WF7}', 13, 'pending', NULL),
    ('0071', 'src/routers/WF7_V7_L3_1of3_PageProgressRouter.py', 'WF7_V7_L3_1of3_PageProgressRouter.py', 3, 'Routers', 'NOVEL', '{WF7}', 13, 'in_review', NULL),
    ('0072', 'src/routers/WF8_V7_L3_1of1_Contact-Router.py', 'WF8_V7_L3_1of1_Contact-Router.py', 3, 'Routers', 'NOVEL', '{WF8}', 13, 'reviewed', NULL),
    ('0073', 'src/routers/__init__.py', '__init__.py', 3, 'Routers', 'SYSTEM', '{SYSTEM}', 1, 'pending', NULL),
    ('0074', 'src/routers/batch_pages.py', 'batch_pages.py', 3, 'Routers', 'NOVEL', '{WF7}', 114, 'in_review', NULL),
    ('0075', 'src/routers/business_category_api.py', 'business_category_api.py', 3, 'Routers', 'NOVEL', '{WF3}', 13, 'reviewed', NULL),
    ('0076', 'src/routers/crm_sync_router.py', 'crm_sync_router.py', 3, 'Routers', 'NOVEL', '{WF8}', 13, 'pending', NULL),
    ('0077', 'src/routers/dev_tools.py', 'dev_tools.py', 3, 'Routers', 'SYSTEM', '{SYSTEM}', 117, 'in_review', 'Moved or deleted since?'),
    ('0078', 'src/routers/domain_check_router.py', 'domain_check_router.py', 3, 'Routers', 'NOVEL', '{WF4}', 13, 'reviewed', NULL),
    ('0079', 'src/routers/domain_router.py', 'domain_router.py', 3, 'Routers', 'NOVEL', '{WF4}', 15, 'pending', NULL),
    ('0080', 'src/routers/email_scanner.py', 'email_scanner.py', 3, 'Routers', 'NOVEL', '{WF8}', 120, 'in_review', NULL),
    ('0081', 'src/routers/job_api.py', 'job_api.py', 3, 'Routers', 'NOVEL', '{WF9}', 13, 'reviewed', NULL),
    ('0082', 'src/routers/local_business_api.py', 'local_business_api.py', 3, 'Routers', 'NOVEL', '{WF3}', 13, 'pending', NULL),
    ('0083', 'src/routers/place_search_router.py', 'place_search_router.py', 3, 'Routers', 'NOVEL', '{WF1}', 13, 'in_review', NULL),
    ('0084', 'src/routers/places_staging_router.py', 'places_staging_router.py', 3, 'Routers', 'NOVEL', '{WF2}', 13, 'reviewed', NULL),
    ('0085', 'src/routers/places_v2.py', 'places_v2.py', 3, 'Routers', 'NOVEL', '{WF1}', 125, 'pending', 'Moved or deleted since?'),
    ('0086', 'src/routers/search_history_router.py', 'search_history_router.py', 3, 'Routers', 'NOVEL', '{WF1}', 13, 'in_review', NULL),
    ('0087', 'src/routers/sitemap_file_router.py', 'sitemap_file_router.py', 3, 'Routers', 'NOVEL', '{WF5}', 13, 'reviewed', NULL),
    ('0088', 'src/routers/sitemap_import_api.py', 'sitemap_import_api.py', 3, 'Routers', 'NOVEL', '{WF6}', 13, 'pending', NULL),
    ('0089', 'src/routers/sitemap_url_api.py', 'sitemap_url_api.py', 3, 'Routers', 'NOVEL', '{WF6}', 13, 'in_review', NULL),
    ('0090', 'src/routers/sitemap_v1.py', 'sitemap_v1.py', 3, 'Routers', 'NOVEL', '{WF5}', 130, 'reviewed', NULL),
    ('0091', 'src/routers/staging_batch_router.py', 'staging_batch_router.py', 3, 'Routers', 'NOVEL', '{WF2}', 13, 'pending', NULL),
    ('0092', 'src/__init__.py', '__init__.py', 4, 'Services', 'SYSTEM', '{SYSTEM}', 1, 'in_review', NULL),
    ('0093', 'src/services/WF1_V7_L4_1of2_place_search_service.py', 'WF1_V7_L4_1of2_place_search_service.py', 4, 'Services', 'NOVEL', '{WF1}', 8, 'reviewed', NULL),
    ('0094', 'src/services/WF1_V7_L4_2of2_search_history_service.py', 'WF1_V7_L4_2of2_search_history_service.py', 4, 'Services', 'NOVEL', '{WF1}', 8, 'pending', NULL),
    ('0095', 'src/services/WF4_V7_L3_1of1_DomainCheckService.py', 'WF4_V7_L3_1of1_DomainCheckService.py', 4, 'Services', 'NOVEL', '{WF4}', 8, 'in_review', NULL),
    ('0096', 'src/services/WF6_V7_L9_1of1_SitemapImportService.py', 'WF6_V7_L9_1of1_SitemapImportService.py', 4, 'Services', 'NOVEL', '{WF6}', 8, 'reviewed', NULL),
    ('0097', 'src/services/WF7_V7_L4_3of2_PageService.py', 'WF7_V7_L4_3of2_PageService.py', 4, 'Services', 'NOVEL', '{WF7}', 8, 'pending', NULL),
    ('0098', 'src/services/WF9V7_L4_1of1_JobService.py', 'WF9V7_L4_1of1_JobService.py', 4, 'Services', 'NOVEL', '{WF9}', 8, 'in_review', NULL),
    ('0099', 'src/services/__init__.py', '__init__.py', 4, 'Services', 'SYSTEM', '{SYSTEM}', 1, 'reviewed', NULL),
    ('0100', 'src/services/business_category_service.py', 'business_category_service.py', 4, 'Services', 'NOVEL', '{WF3}', 8, 'pending', NULL),
    ('0101', 'src/services/business_to_domain.py', 'business_to_domain.py', 4, 'Services', 'NOVEL', '{WF3}', 141, 'in_review', 'Moved or deleted since?'),
    ('0102', 'src/services/cleanup.py', 'cleanup.py', 4, 'Services', 'SYSTEM', '{SYSTEM}', 142, 'reviewed', NULL),
    ('0103', 'src/services/contact_service.py', 'contact_service.py', 4, 'Services', 'NOVEL', '{WF8}', 8, 'pending', NULL),
    ('0104', 'src/services/crm_sync_service.py', 'crm_sync_service.py', 4, 'Services', 'NOVEL', '{WF8}', 8, 'in_review', NULL),
    ('0105', 'src/services/domain_service.py', 'domain_service.py', 4, 'Services', 'NOVEL', '{WF4}', 8, 'reviewed', NULL),
    ('0106', 'src/services/local_business_service.py', 'local_business_service.py', 4, 'Services', 'NOVEL', '{WF3}', 8, 'pending', NULL),
    ('0107', 'src/services/mautic_sync.py', 'mautic_sync.py', 4, 'Services', 'NOVEL', '{WF8}', 147, 'in_review', 'Moved or deleted since?'),
    ('0108', 'src/services/metadata_extractor.py', 'metadata_extractor.py', 4, 'Services', 'NOVEL', '{WF4}', 148, 'reviewed', NULL),
    ('0109', 'src/services/old_scheduler.py', 'old_scheduler.py', 4, 'Services', 'NOVEL', '{WF9}', 149, 'pending', 'Moved or deleted since?'),
    ('0110', 'src/services/page_progress_service.py', 'page_progress_service.py', 4, 'Services', 'NOVEL', '{WF7}', 8, 'in_review', NULL),
    ('0111', 'src/services/page_queue.py', 'page_queue.py', 4, 'Services', 'NOVEL', '{WF7}', 151, 'reviewed', 'Moved or deleted since?'),
    ('0112', 'src/services/places_deep_scan.py', 'places_deep_scan.py', 4, 'Services', 'NOVEL', '{WF2}', 152, 'pending', NULL),
    ('0113', 'src/services/places_staging_service.py', 'places_staging_service.py', 4, 'Services', 'NOVEL', '{WF2}', 8, 'in_review', NULL),
    ('0114', 'src/services/search_cache.py', 'search_cache.py', 4, 'Services', 'NOVEL', '{WF1}', 154, 'reviewed', NULL),
    ('0115', 'src/services/session.py', 'session.py', 4, 'Services', 'SYSTEM', '{SYSTEM}', 8, 'pending', NULL),
    ('0116', 'src/services/sitemap_file_service.py', 'sitemap_file_service.py', 4, 'Services', 'NOVEL', '{WF5}', 8, 'in_review', NULL),
    ('0117', 'src/services/sitemap_parser.py', 'sitemap_parser.py', 4, 'Services', 'NOVEL', '{WF6}', 157, 'reviewed', 'Moved or deleted since?'),
    ('0118', 'src/services/sitemap_service.py', 'sitemap_service.py', 4, 'Services', 'NOVEL', '{WF5}', 8, 'pending', NULL),
    ('0119', 'src/services/sitemap_url_service.py', 'sitemap_url_service.py', 4, 'Services', 'NOVEL', '{WF6}', 8, 'in_review', NULL),
    ('0120', 'src/services/staging_batch_service.py', 'staging_batch_service.py', 4, 'Services', 'NOVEL', '{WF2}', 8, 'reviewed', NULL),
    ('0121', 'src/services/task_service.py', 'task_service.py', 4, 'Services', 'NOVEL', '{WF9}', 8, 'pending', NULL),
    ('0122', 'src/services/url_normaliser.py', 'url_normaliser.py', 4, 'Services', 'SHARED', '{WF5,WF6}', 5, 'in_review', NULL),
    ('0123', 'src/config/WF3_V7_L5_1of1_LocalBusinessSettings.py', 'WF3_V7_L5_1of1_LocalBusinessSettings.py', 5, 'Configuration', 'NOVEL', '{WF3}', 5, 'reviewed', NULL),
    ('0124', 'src/config/__init__.py', '__init__.py', 5, 'Configuration', 'SYSTEM', '{SYSTEM}', 1, 'pending', NULL),
    ('0125', 'src/config/contact_settings.py', 'contact_settings.py', 5, 'Configuration', 'NOVEL', '{WF8}', 5, 'in_review', NULL),
    ('0126', 'src/config/domain_settings.py', 'domain_settings.py', 5, 'Configuration', 'NOVEL', '{WF4}', 5, 'reviewed', NULL),
    ('0127', 'src/config/job_settings.py', 'job_settings.py', 5, 'Configuration', 'NOVEL', '{WF9}', 5, 'pending', NULL),
    ('0128', 'src/config/logging.py', 'logging.py', 5, 'Configuration', 'SYSTEM', '{SYSTEM}', 3, 'in_review', NULL),
    ('0129', 'src/config/page_settings.py', 'page_settings.py', 5, 'Configuration', 'NOVEL', '{WF7}', 5, 'reviewed', NULL),
    ('0130', 'src/config/places_api.py', 'places_api.py', 5, 'Configuration', 'NOVEL', '{WF1}', 170, 'pending', NULL),
    ('0131', 'src/config/runtime.py', 'runtime.py', 5, 'Configuration', 'SYSTEM', '{SYSTEM}', 171, 'in_review', 'Moved or deleted since?'),
    ('0132', 'src/config/scheduler.py', 'scheduler.py', 5, 'Configuration', 'NOVEL', '{WF9}', 172, 'reviewed', NULL),
    ('0133', 'src/config/settings.py', 'settings.py', 5, 'Configuration', 'SYSTEM', '{SYSTEM}', 6, 'pending', NULL),
    ('0134', 'src/config/single_search_settings.py', 'single_search_settings.py', 5, 'Configuration', 'NOVEL', '{WF1}', 5, 'in_review', NULL),
    ('0135', 'src/config/sitemap_import_settings.py', 'sitemap_import_settings.py', 5, 'Configuration', 'NOVEL', '{WF6}', 5, 'reviewed', NULL),
    ('0136', 'src/config/sitemap_settings.py', 'sitemap_settings.py', 5, 'Configuration', 'NOVEL', '{WF5}', 5, 'pending', NULL),
    ('0137', 'src/config/staging_editor_settings.py', 'staging_editor_settings.py', 5, 'Configuration', 'NOVEL', '{WF2}', 5, 'in_review', NULL),
    ('0138', 'src/ui/WF4_V7_L6_1_of_1_DomainPanel.py', 'WF4_V7_L6_1_of_1_DomainPanel.py', 6, 'UI Components', 'NOVEL', '{WF4}', 9, 'reviewed', NULL),
    ('0139', 'src/ui/WF5_v7_L6_1of1_SitemapPanel.py', 'WF5_v7_L6_1of1_SitemapPanel.py', 6, 'UI Components', 'NOVEL', '{WF5}', 9, 'pending', NULL),
    ('0140', 'src/ui/WF6_V7_L6_1of1_SitemapImportPanel.py', 'WF6_V7_L6_1of1_SitemapImportPanel.py', 6, 'UI Components', 'NOVEL', '{WF6}', 9, 'in_review', NULL),
    ('0141', 'src/ui/__init__.py', '__init__.py', 6, 'UI Components', 'SYSTEM', '{SYSTEM}', 1, 'reviewed', NULL),
    ('0142', 'src/ui/contact_panel.py', 'contact_panel.py', 6, 'UI Components', 'NOVEL', '{WF8}', 9, 'pending', NULL),
    ('0143', 'src/ui/domain_tab.py', 'domain_tab.py', 6, 'UI Components', 'NOVEL', '{WF4}', 183, 'in_review', 'Moved or deleted since?'),
    ('0144', 'src/ui/job_panel.py', 'job_panel.py', 6, 'UI Components', 'NOVEL', '{WF9}', 9, 'reviewed', NULL),
    ('0145', 'src/ui/local_business_panel.py', 'local_business_panel.py', 6, 'UI Components', 'NOVEL', '{WF3}', 9, 'pending', NULL),
    ('0146', 'src/ui/page_panel.py', 'page_panel.py', 6, 'UI Components', 'NOVEL', '{WF7}', 9, 'in_review', NULL),
    ('0147', 'src/ui/page_tab.py', 'page_tab.py', 6, 'UI Components', 'NOVEL', '{WF7}', 187, 'reviewed', 'Moved or deleted since?'),
    ('0148', 'src/ui/single_search_panel.py', 'single_search_panel.py', 6, 'UI Components', 'NOVEL', '{WF1}', 9, 'pending', NULL),
    ('0149', 'src/ui/single_search_tab.py', 'single_search_tab.py', 6, 'UI Components', 'NOVEL', '{WF1}', 189, 'in_review', 'Moved or deleted since?'),
    ('0150', 'src/ui/sitemap_tab.py', 'sitemap_tab.py', 6, 'UI Components', 'NOVEL', '{WF5}', 190, 'reviewed', NULL),
    ('0151', 'src/ui/staging_editor_panel.py', 'staging_editor_panel.py', 6, 'UI Components', 'NOVEL', '{WF2}', 9, 'pending', NULL),
    ('0152', 'src/ui/staging_table.py', 'staging_table.py', 6, 'UI Components', 'NOVEL', '{WF2}', 192, 'in_review', NULL),
    ('0153', 'src/ui/status_badge.py', 'status_badge.py', 6, 'UI Components', 'SHARED', '{WF3,WF4,WF5,WF7}', 7, 'reviewed', NULL),
    ('0154', 'tests/WF1_V7_L7_1of1_test_single_search.py', 'WF1_V7_L7_1of1_test_single_search.py', 7, 'Testing', 'NOVEL', '{WF1}', 5, 'pending', NULL),
    ('0155', 'tests/__init__.py', '__init__.py', 7, 'Testing', 'SYSTEM', '{SYSTEM}', 1, 'in_review', NULL),
    ('0156', 'tests/conftest.py', 'conftest.py', 7, 'Testing', 'SYSTEM', '{SYSTEM}', 8, 'reviewed', NULL),
    ('0157', 'tests/test_contact.py', 'test_contact.py', 7, 'Testing', 'NOVEL', '{WF8}', 5, 'pending', NULL),
    ('0158', 'tests/test_domain.py', 'test_domain.py', 7, 'Testing', 'NOVEL', '{WF4}', 5, 'in_review', NULL),
    ('0159', 'tests/test_email_scan.py', 'test_email_scan.py', 7, 'Testing', 'NOVEL', '{WF8}', 199, 'reviewed', 'Moved or deleted since?'),
    ('0160', 'tests/test_job.py', 'test_job.py', 7, 'Testing', 'NOVEL', '{WF9}', 5, 'pending', NULL),
    ('0161', 'tests/test_local_business.py', 'test_local_business.py', 7, 'Testing', 'NOVEL', '{WF3}', 5, 'in_review', NULL),
    ('0162', 'tests/test_page.py', 'test_page.py', 7, 'Testing', 'NOVEL', '{WF7}', 5, 'reviewed', NULL),
    ('0163', 'tests/test_places_v2.py', 'test_places_v2.py', 7, 'Testing', 'NOVEL', '{WF1}', 203, 'pending', 'Moved or deleted since?'),
    ('0164', 'tests/test_scheduler.py', 'test_scheduler.py', 7, 'Testing', 'NOVEL', '{WF9}', 204, 'in_review', NULL),
    ('0165', 'tests/test_sitemap.py', 'test_sitemap.py', 7, 'Testing', 'NOVEL', '{WF5}', 5, 'reviewed', NULL),
    ('0166', 'tests/test_sitemap_import.py', 'test_sitemap_import.py', 7, 'Testing', 'NOVEL', '{WF6}', 5, 'pending', NULL),
    ('0167', 'tests/test_sitemap_parser.py', 'test_sitemap_parser.py', 7, 'Testing', 'NOVEL', '{WF6}', 207, 'in_review', 'Moved or deleted since?'),
    ('0168', 'tests/test_staging_editor.py', 'test_staging_editor.py', 7, 'Testing', 'NOVEL', '{WF2}', 5, 'reviewed', NULL),
    ('0169', 'tests/test_statuses.py', 'test_statuses.py', 7, 'Testing', 'SHARED', '{WF4,WF7}', 5, 'pending', NULL);

-- What the audit knows of every file follows from its number.
UPDATE public.file_audit
   SET has_technical_debt = id % 4 = 0,
       technical_debt = CASE WHEN id % 4 = 0 THEN 'Declares its own copy of a status' END,
       jira_tickets = CASE WHEN id % 4 = 0 THEN ARRAY['CUR-' || 100 + id]::varchar[] END,
       audit_date = timestamptz '2025-05-19 08:00:00+00' + id * interval '1 minute',
       audited_by = CASE id % 3 WHEN 0 THEN 'Data Sentinel' WHEN 1 THEN 'Schema Guardian' ELSE 'Router Guardian' END,
       created_at = timestamptz '2025-05-18 08:00:00+00',
       updated_at = timestamptz '2025-05-19 08:00:00+00' + id * interval '1 minute',
       content_digest = md5(file_path),
       risk = CASE status WHEN 'NOVEL' THEN 'contained' WHEN 'SHARED' THEN 'shared' ELSE 'structural' END::public.file_risk,
       risk_history = CASE status WHEN 'NOVEL' THEN '{}' ELSE '{contained}' END::public.file_risk[],
       owner_email = 'person' || 1 + id % 40 || '@example.org';
UPDATE public.file_audit AS old
   SET superseded_by = new.id
  FROM public.file_audit AS new
 WHERE old.file_path = 'src/models/old_enums.py' AND new.file_path = 'src/models/enums.py';

INSERT INTO public.file_audit_comments (file_id, author, body, severity, written_at)
SELECT id, audited_by, 'Checked against the database: ' || file_name, (enum_range(NULL::public.priority_level))[1 + id % 4],
       timestamptz '2025-05-20 08:00:00+00' + id * interval '1 minute'
  FROM public.file_audit
 WHERE id % 2 = 0;

-- ---------------------------------------------------------------------------------------------------
-- Rights: the web role reads everything, writes nothing of the legacy and creates nothing
-- ---------------------------------------------------------------------------------------------------

GRANT USAGE ON SCHEMA public, archive TO v7_web;
GRANT SELECT ON ALL TABLES IN SCHEMA public, archive TO v7_web;

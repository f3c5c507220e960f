package inventory

import (
	"context"
	"slices"
	"time"

	"muster/internal/access"
	"muster/internal/fault"
)

// Recorded is everything live that the imports of one source left, and the services that there are.
type Recorded struct {
	Services     []Service // every service of the workspace, retired ones too
	Bindings     []Binding // of the source, gone ones too
	Elsewhere    []Binding // live ones of other sources of the same environment
	Facts        []Fact
	Endpoints    []Endpoint
	Operations   []Operation
	Dependencies []Dependency
	Unresolved   []Unresolved
}

// Record loads what the imports of a source left.
func (b *Book) Record(ctx context.Context, source *Source) (Recorded, error) {
	var r Recorded
	var err error
	if r.Services, err = b.importable(ctx); err != nil {
		return r, err
	}
	if r.Bindings, err = b.bindingsOfSource(ctx, source.ID); err != nil {
		return r, err
	}
	if r.Elsewhere, err = b.bindingsElsewhere(ctx, source); err != nil {
		return r, err
	}
	if r.Facts, err = b.sourceFacts(ctx, source.ID); err != nil {
		return r, err
	}
	if r.Endpoints, err = b.sourceEndpoints(ctx, source.ID); err != nil {
		return r, err
	}
	if r.Operations, err = b.sourceOperations(ctx, source.ID); err != nil {
		return r, err
	}
	if r.Dependencies, err = b.sourceDependencies(ctx, source.ID); err != nil {
		return r, err
	}
	r.Unresolved, err = b.sourceUnresolved(ctx, source.ID)
	return r, err
}

// Writes is what an import stores. New rows name new services by negative ids, which Apply replaces.
type Writes struct {
	NewServices []Service // with negative ids
	Updated     []Service // of which a column that files may set changed
	Retired     []Service // made by an import that was undone, and touched by nobody

	NewBindings     []Binding
	NewFacts        []Fact
	NewEndpoints    []Endpoint
	NewOperations   []Operation
	NewDependencies []Dependency
	NewUnresolved   []Unresolved
	NewComponents   []Component

	GivenComponents map[int64][]int64 // components that were nobody's, by the service that they are of
	Lists           []Listed          // what was read for whom, where nothing changed too

	Seen, Ended Rows               // rows that are said again, or no longer
	Moved       map[int64]Place    // facts whose line changed, by id
	Lines       map[int64]Evidence // calls whose evidence moved, by id
}

// Rows names existing rows by table.
type Rows struct {
	Services                                                         []int64
	Bindings, Facts, Endpoints, Operations, Dependencies, Unresolved []int64
	Components                                                       []int64
}

// Listed is a parts list of a service in an import.
type Listed struct {
	ServiceID int64
	Document  string
	SHA256    string
	N         int
	Made      time.Time
}

// Place is a line of a file.
type Place struct {
	Path string
	Line int
}

// Evidence is the stored list of places that show a call.
type Evidence string

// Apply stores an import, in the transaction of the caller, and recomputes the words of what it touched.
func (b *Book) Apply(ctx context.Context, importID int64, w *Writes) (touched []int64, err error) {
	ids, err := b.createServices(ctx, w.NewServices)
	if err != nil {
		return nil, err
	}
	real := func(id *int64) {
		if to, ok := ids[*id]; ok {
			*id = to
		}
		if *id != 0 { // a component that is nobody's yet
			touched = append(touched, *id)
		}
	}
	w.rename(real)
	now := b.db.Now(ctx)
	if err := b.writeRows(ctx, importID, w, now); err != nil {
		return nil, err
	}
	if err := b.writeComponents(ctx, importID, w, now); err != nil {
		return nil, err
	}
	for i := range w.Updated {
		if err := b.updateFromFiles(ctx, &w.Updated[i]); err != nil {
			return nil, err
		}
	}
	touched = append(touched, w.Seen.Services...)
	for i := range w.Retired {
		s := &w.Retired[i]
		s.RetiredAt, s.RetireReason = &now, "The import that added it was undone."
		if err := b.saveService(ctx, s); err != nil {
			return nil, err
		}
	}
	ended, err := b.touchedBy(ctx, w.Ended)
	if err != nil {
		return nil, err
	}
	touched = append(touched, ended...)
	slices.Sort(touched)
	touched = slices.Compact(touched)
	return touched, b.Recompute(ctx, touched)
}

func (b *Book) createServices(ctx context.Context, services []Service) (map[int64]int64, error) {
	ids := map[int64]int64{}
	if len(services) == 0 {
		return ids, nil
	}
	taken, err := b.takenSlugs(ctx, "")
	if err != nil {
		return nil, err
	}
	for i := range services {
		s := services[i]
		placeholder := s.ID
		s.ID, s.Slug, s.Version = 0, nextSlug(taken, s.Name), 1
		taken[s.Slug] = true
		s.CreatedAt, s.UpdatedAt = b.db.Now(ctx), b.db.Now(ctx)
		if err := b.insertService(ctx, &s); err != nil {
			return nil, err
		}
		ids[placeholder] = s.ID
	}
	return ids, nil
}

// rename puts the real ids of new services where the plan named them by placeholders.
func (w *Writes) rename(real func(*int64)) {
	for i := range w.NewBindings {
		real(&w.NewBindings[i].ServiceID)
	}
	for i := range w.NewFacts {
		real(&w.NewFacts[i].ServiceID)
	}
	for i := range w.NewEndpoints {
		real(&w.NewEndpoints[i].ServiceID)
	}
	for i := range w.NewOperations {
		if w.NewOperations[i].ServiceID != nil {
			id := *w.NewOperations[i].ServiceID
			real(&id)
			w.NewOperations[i].ServiceID = &id
		}
	}
	for i := range w.NewDependencies {
		real(&w.NewDependencies[i].FromID)
		real(&w.NewDependencies[i].ToID)
	}
	for i := range w.NewUnresolved {
		real(&w.NewUnresolved[i].ServiceID)
	}
	for i := range w.NewComponents {
		real(&w.NewComponents[i].ServiceID)
	}
	for i := range w.Lists {
		real(&w.Lists[i].ServiceID)
	}
	given := map[int64][]int64{}
	for to, ids := range w.GivenComponents {
		real(&to)
		given[to] = ids
	}
	w.GivenComponents = given
}

// Recompute writes the words and counters that follow from what is known of services.
func (b *Book) Recompute(ctx context.Context, ids []int64) error {
	for chunk := range slices.Chunk(ids, 200) {
		known, err := b.known(ctx, chunk)
		if err != nil {
			return err
		}
		if err := b.writeWords(ctx, chunk, known); err != nil {
			return err
		}
		if err := b.countCalls(ctx, chunk); err != nil {
			return err
		}
	}
	return nil
}

// Imports lists imports that were applied, undone or wait for a word, newest first.
func (b *Book) Imports(ctx context.Context, actor access.Actor, page int) ([]Import, int64, error) {
	if err := b.access.Require(actor, access.Read, access.Imports); err != nil {
		return nil, 0, err
	}
	return b.listImports(ctx, (max(page, 1)-1)*PageSize, PageSize)
}

// Import finds one import with its source.
func (b *Book) Import(ctx context.Context, actor access.Actor, id int64) (Import, Source, error) {
	if err := b.access.Require(actor, access.Read, access.Imports); err != nil {
		return Import{}, Source{}, err
	}
	i, found, err := b.importByID(ctx, id)
	if err != nil || !found {
		return Import{}, Source{}, orMissing(err, "import")
	}
	s, _, err := b.sourceByID(ctx, i.SourceID)
	return i, s, err
}

// Sources lists where files came from.
func (b *Book) Sources(ctx context.Context, actor access.Actor) ([]Source, error) {
	if err := b.access.Require(actor, access.Read, access.Imports); err != nil {
		return nil, err
	}
	return b.sources(ctx)
}

// SourceNamed finds a source of an environment, or makes it.
func (b *Book) SourceNamed(ctx context.Context, environmentID int64, name string) (Source, error) {
	s, found, err := b.sourceByName(ctx, environmentID, name)
	if err != nil || found {
		return s, err
	}
	if _, known, err := b.environmentByID(ctx, environmentID); err != nil || !known {
		return s, orElse(err, fault.Field("environment", "Choose an environment."))
	}
	s = Source{EnvironmentID: environmentID, Name: name, CreatedAt: b.db.Now(ctx)}
	return s, insert(ctx, b.db, "source", &s)
}

// NewestApplied finds the newest import of a source that counts.
func (b *Book) NewestApplied(ctx context.Context, sourceID int64) (Import, bool, error) {
	return b.newestApplied(ctx, sourceID, 0)
}

// AppliedBefore finds the import of a source that counted before another.
func (b *Book) AppliedBefore(ctx context.Context, sourceID, id int64) (Import, bool, error) {
	return b.newestApplied(ctx, sourceID, id)
}

// AddImport stores an import that waits for a word.
func (b *Book) AddImport(ctx context.Context, i *Import) error {
	return insert(ctx, b.db, "import", i)
}

// SettleImport stores what became of an import, and refuses if something else became of it meanwhile.
func (b *Book) SettleImport(ctx context.Context, i *Import, from ImportState) error {
	return b.settleImport(ctx, i, from)
}

// HoldImport stores why an import waits for a person.
func (b *Book) HoldImport(ctx context.Context, i *Import) error { return b.setImport(ctx, i, "held") }

// GiveRun stores which run carries an import out.
func (b *Book) GiveRun(ctx context.Context, i *Import) error { return b.setImport(ctx, i, "run_id") }

// DropHeld cancels what waits of the same source and service: a newer import takes its place.
func (b *Book) DropHeld(ctx context.Context, i *Import) error { return b.dropHeld(ctx, i) }

// HeldImports lists what waits for a person, newest first.
func (b *Book) HeldImports(ctx context.Context, actor access.Actor) ([]Import, error) {
	if err := b.access.Require(actor, access.Read, access.Imports); err != nil {
		return nil, err
	}
	return b.heldImports(ctx, 20)
}

// ForgetPreviews drops previews that nobody decided about.
func (b *Book) ForgetPreviews(ctx context.Context, before time.Time) error {
	return b.forgetPreviews(ctx, before)
}

// LiveBindings lists the live bindings of an environment, to suggest whose files an upload is.
func (b *Book) LiveBindings(ctx context.Context, environmentID int64) ([]Binding, error) {
	return b.bindingsElsewhere(ctx, &Source{EnvironmentID: environmentID})
}

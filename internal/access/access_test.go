package access

import (
	"testing"

	"muster/internal/fault"
)

func TestMatrix(t *testing.T) {
	t.Parallel()
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		role Role
		act  Action
		obj  Object
		want bool
	}{
		{"an engineer imports", Engineer, Write, Imports, true},
		{"a viewer does not import", Viewer, Write, Imports, false},
		{"a consultant does not see the people", Consultant, Read, Members, false},
		{"an admin does not make owners", Admin, Manage, Ownership, false},
		{"an owner makes owners", Owner, Manage, Ownership, true},
		{"nobody without a role reads", "", Read, Inventory, false},
		{"an unknown role is refused", "root", Read, Inventory, false},
		{"an unknown action is refused", Owner, "READ", Inventory, false},
		{"the system may do all", System, Manage, Ownership, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := c.Can(Actor{Role: tt.role}, tt.act, tt.obj); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestDenialNamesTheRight(t *testing.T) {
	t.Parallel()
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	err = c.Require(Actor{Role: Viewer}, Write, Imports)
	failure, ok := fault.As(err)
	if !ok || failure.Message != "Your role (viewer) does not include this right: import files. Ask an admin of the workspace." {
		t.Fatal(err)
	}
}

func TestAUserNamedLikeARoleGainsNothing(t *testing.T) {
	t.Parallel()
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	if c.Can(Actor{Name: "owner", Role: Viewer}, Write, Settings) {
		t.Fatal("the name was taken for a role")
	}
}

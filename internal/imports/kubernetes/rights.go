package kubernetes

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"muster/internal/imports/model"
)

// binding hands a role to subjects, in one namespace or in all.
type binding struct {
	*object
	subjects []rbacv1.Subject
	role     rbacv1.RoleRef
}

// accounts is what the files say about service accounts.
type accounts struct {
	roles     map[string][]rbacv1.PolicyRule // by kind/name, with the namespace before a Role's
	bindings  []binding
	automount map[namespaceName]*bool
}

func (w *world) findAccounts() error {
	w.accounts = &accounts{roles: map[string][]rbacv1.PolicyRule{}, automount: map[namespaceName]*bool{}}
	gathers := map[string]*metaSelectors{}
	labelled := map[string]map[string]string{}
	for _, o := range w.objects {
		var err error
		switch o.group + "/" + o.kind {
		case "/ServiceAccount":
			var a struct{ AutomountServiceAccountToken *bool }
			err = o.decode(&a)
			w.accounts.automount[namespaceName{o.namespace, o.name}] = a.AutomountServiceAccountToken
		case "rbac.authorization.k8s.io/Role", "rbac.authorization.k8s.io/ClusterRole":
			var r rbacv1.ClusterRole
			err = o.decode(&r)
			key := roleKey(o.kind, o.namespace, o.name)
			w.accounts.roles[key], labelled[key] = r.Rules, o.labels
			if r.AggregationRule != nil {
				gathers[key] = &metaSelectors{r.AggregationRule.ClusterRoleSelectors}
			}
		case "rbac.authorization.k8s.io/RoleBinding", "rbac.authorization.k8s.io/ClusterRoleBinding":
			var b rbacv1.RoleBinding
			err = o.decode(&b)
			w.accounts.bindings = append(w.accounts.bindings, binding{o, b.Subjects, b.RoleRef})
		}
		if err != nil {
			return err
		}
	}
	w.accounts.aggregate(gathers, labelled)
	return nil
}

func roleKey(kind, namespace, name string) string {
	if kind == "ClusterRole" {
		return kind + "/" + name
	}
	return kind + "/" + namespace + "/" + name
}

// grant says what each workload's account may do, and whether it gets a token for it.
func (w *world) grant() {
	for _, l := range w.workloads {
		if l.out.AutomountToken == nil {
			l.out.AutomountToken = w.accounts.automount[namespaceName{l.namespace, l.out.ServiceAccount}]
		}
		for _, b := range w.accounts.bindings {
			if !slices.ContainsFunc(b.subjects, func(s rbacv1.Subject) bool { return b.means(s, l) }) {
				continue
			}
			l.out.RightsSeen = true
			l.out.Rights = append(l.out.Rights, w.accounts.rights(b)...)
		}
	}
}

// means reports whether a subject of the binding is the workload's account, by name or as a member of a group.
func (b binding) means(s rbacv1.Subject, l *workload) bool {
	account, namespace := l.out.ServiceAccount, l.namespace
	switch s.Kind {
	case rbacv1.ServiceAccountKind:
		in := s.Namespace
		if in == "" {
			in = b.namespace // not valid, but people leave it out and it can mean nothing else
		}
		return s.Name == account && (in == namespace || in == "")
	case rbacv1.UserKind:
		return s.Name == "system:serviceaccount:"+namespace+":"+account
	case rbacv1.GroupKind:
		return slices.Contains([]string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"}, s.Name)
	}
	return false
}

// rights lists the rules of the bound role. Of a role that these files lack only the name is known.
func (a *accounts) rights(b binding) []model.Right {
	wide := b.kind == "ClusterRoleBinding"
	name, in := b.role.Kind+"/"+b.role.Name, b.namespace
	if wide {
		in = ""
	}
	rules := a.roles[roleKey(b.role.Kind, b.namespace, b.role.Name)]
	if len(rules) == 0 {
		return []model.Right{{Role: name, Verbs: []string{}, Resources: []string{}, ClusterWide: wide, Namespace: in, At: b.at()}}
	}
	var list []model.Right
	for _, r := range rules {
		right := model.Right{Role: name, Verbs: slices.Concat([]string{}, r.Verbs), Resources: slices.Concat([]string{}, r.Resources, r.NonResourceURLs), ClusterWide: wide, Namespace: in, At: b.at()}
		if !slices.ContainsFunc(list, func(o model.Right) bool {
			return slices.Equal(o.Verbs, right.Verbs) && slices.Equal(o.Resources, right.Resources)
		}) {
			list = append(list, right)
		}
	}
	return list
}

// aggregate adds to roles that gather others what those say.
func (a *accounts) aggregate(gathers map[string]*metaSelectors, labelled map[string]map[string]string) {
	for range 3 { // a gathered role may gather too
		for key, selectors := range gathers {
			var rules []rbacv1.PolicyRule
			for _, other := range sortedNames(labelled) {
				if other != key && strings.HasPrefix(other, "ClusterRole/") && selectors.match(labelled[other]) {
					rules = append(rules, a.roles[other]...)
				}
			}
			if len(rules) > 0 {
				a.roles[key] = rules
			}
		}
	}
}

package report

import (
	"cmp"
	"strings"

	"github.com/package-url/packageurl-go"
)

// FromPURL gives the name and version that a package URL holds; both are empty where it is none.
func FromPURL(purl string) (name, version string) {
	p, err := parsePURL(purl)
	if err != nil {
		return "", ""
	}
	return purlFullName(p), p.Version
}

func parsePURL(purl string) (packageurl.PackageURL, error) {
	if !strings.HasPrefix(purl, "pkg:") {
		return packageurl.PackageURL{}, errNoPURL
	}
	return packageurl.FromString(purl)
}

var errNoPURL = stringError("no package URL")

type stringError string

func (e stringError) Error() string { return string(e) }

// purlFullName is the name as the ecosystem writes it.
func purlFullName(p packageurl.PackageURL) string {
	if p.Namespace == "" {
		return p.Name
	}
	switch p.Type {
	case "maven":
		return p.Namespace + ":" + p.Name
	case "deb", "rpm", "apk", "alpm", "docker", "oci": // there the namespace is the vendor
		return p.Name
	}
	return p.Namespace + "/" + p.Name
}

// types maps the names of ecosystems, as OSV and the tools write them, to types of package URLs.
var types = map[string]string{
	"npm": "npm", "pypi": "pypi", "go": "golang", "golang": "golang", "go-module": "golang", "gomod": "golang", "maven": "maven", "java-archive": "maven", "crates.io": "cargo", "cargo": "cargo",
	"rubygems": "gem", "gem": "gem", "packagist": "composer", "composer": "composer", "nuget": "nuget", "hex": "hex", "pub": "pub", "swifturl": "swift", "hackage": "hackage", "cran": "cran",
	"conancenter": "conan", "debian": "deb", "ubuntu": "deb", "alpine": "apk", "wolfi": "apk", "chainguard": "apk", "red hat": "rpm", "rocky linux": "rpm", "almalinux": "rpm", "suse": "rpm", "opensuse": "rpm",
	"github actions": "githubactions", "pip": "pypi", "python": "pypi", "stdlib": "golang",
}

// PURL makes a package URL of an ecosystem, a name and a version; "" where the ecosystem is not known.
func PURL(ecosystem, name, version string) string {
	eco, _, _ := strings.Cut(strings.ToLower(ecosystem), ":") // the release of a distribution is no part of a name
	kind := types[eco]
	if kind == "" || name == "" {
		return ""
	}
	namespace, base := "", name
	switch kind {
	case "maven":
		if group, artifact, ok := strings.Cut(name, ":"); ok {
			namespace, base = group, artifact
		}
	case "deb", "apk", "rpm":
		namespace = strings.ReplaceAll(eco, " ", "")
	case "pypi":
		base = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	default:
		if i := strings.LastIndexByte(name, '/'); i > 0 {
			namespace, base = name[:i], name[i+1:]
		}
	}
	return packageurl.NewPackageURL(kind, namespace, base, version, nil, "").ToString()
}

// ecosystems are the names that Muster shows for types of package URLs: those of OSV.
var ecosystems = map[string]string{
	"npm": "npm", "pypi": "PyPI", "golang": "Go", "maven": "Maven", "cargo": "crates.io", "gem": "RubyGems", "composer": "Packagist", "nuget": "NuGet", "hex": "Hex", "pub": "Pub", "swift": "SwiftURL",
	"hackage": "Hackage", "cran": "CRAN", "conan": "ConanCenter", "githubactions": "GitHub Actions",
}

// Ecosystem names the ecosystem of a package URL; "" where it is none.
func Ecosystem(purl string) string {
	p, err := parsePURL(purl)
	if err != nil {
		return ""
	}
	switch p.Type {
	case "deb", "apk", "rpm":
		if p.Namespace != "" {
			return strings.ToUpper(p.Namespace[:1]) + p.Namespace[1:]
		}
	}
	return cmp.Or(ecosystems[p.Type], p.Type)
}
